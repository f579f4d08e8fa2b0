package io.octavo.engine.request;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * @param source folder of a Hugging Face checkpoint: config.json, safetensors, tokenizer and side files
 * @param target folder to create; must not exist or be empty. Nothing appears under it unless the call succeeds
 * @param dataset the file of texts that the recipe's calibration is of: there exactly where that is
 * @param known files of the source that need not be hashed, since they were when they came here
 * @param journal where what takes long is kept, so that the same request goes on from there another time
 * @param sensitivity by which the recipe's overrides were chosen, if they were
 */
public record QuantizationRequest(
        Path source,
        Path target,
        Recipe recipe,
        Optional<Path> dataset,
        List<HashedFile> known,
        Optional<JobJournal> journal,
        Optional<Sensitivity> sensitivity) {

    public QuantizationRequest {
        if (dataset.isPresent() != recipe.calibration().isPresent()) {
            throw new IllegalArgumentException("a dataset and the shape of the calibration go together");
        }
        known = List.copyOf(known);
    }

    /** Without a journal. */
    public QuantizationRequest(
            Path source, Path target, Recipe recipe, Optional<Path> dataset, List<HashedFile> known) {
        this(source, target, recipe, dataset, known, Optional.empty(), Optional.empty());
    }

    /** Without data. */
    public QuantizationRequest(Path source, Path target, Recipe recipe) {
        this(source, target, recipe, Optional.empty(), List.of());
    }

    /** Texts to calibrate on. */
    public Optional<CalibrationData> calibration() {
        return dataset.map(
                file -> new CalibrationData(file, recipe.calibration().orElseThrow()));
    }

    /** The same with data to calibrate on. */
    public QuantizationRequest withCalibration(CalibrationData data) {
        return new QuantizationRequest(
                source,
                target,
                recipe.withCalibration(data.shape()),
                Optional.of(data.dataset()),
                known,
                journal,
                sensitivity);
    }

    /** The same with another recipe that needs the same data. */
    public QuantizationRequest with(UnaryOperator<Recipe> change) {
        return new QuantizationRequest(source, target, change.apply(recipe), dataset, known, journal, sensitivity);
    }

    /** The same elsewhere. */
    public QuantizationRequest into(Path otherTarget) {
        return new QuantizationRequest(source, otherTarget, recipe, dataset, known, journal, sensitivity);
    }

    /** The same from files whose SHA-256 is known. */
    public QuantizationRequest withKnown(List<HashedFile> files) {
        return new QuantizationRequest(source, target, recipe, dataset, files, journal, sensitivity);
    }

    /** The same with a journal. */
    public QuantizationRequest withJournal(JobJournal kept) {
        return new QuantizationRequest(source, target, recipe, dataset, known, Optional.of(kept), sensitivity);
    }

    /** The same with what was found of its modules. */
    public QuantizationRequest withSensitivity(Sensitivity found) {
        return new QuantizationRequest(source, target, recipe, dataset, known, journal, Optional.of(found));
    }
}
