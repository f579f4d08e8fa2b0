package io.octavo.engine.sensitivity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.octavo.engine.TestModels;
import io.octavo.engine.calibrate.ActivationRanges;
import io.octavo.engine.calibrate.Calibrator;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.request.Budget;
import io.octavo.engine.request.CalibrationData;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.solve.PlainRounding;
import io.octavo.engine.transformer.ModelLoader;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Stream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class LossStudyTest {

    private static final double SMALL = 0.01;

    /**
     * Where a group loses much, the scheme that errs most of the others is measured, as it is where it is a recipe's own; where one
     * loses little, others lose in proportion to how far they move outputs: a sixteenth of it with two more bits of a mantissa.
     */
    @Test
    void measuresAnotherSchemeWhereMuchIsLost() {
        var shares = new ArrayList<Double>();
        List<Map<String, Double>> both = losses("MXFP4", List.of("MXFP8", Budget.KEPT), shares);
        List<Map<String, Double>> alone = losses("MXFP8", List.of(Budget.KEPT), new ArrayList<>());
        int much = 0;
        for (int group = 0; group < both.size(); group++) {
            double own = loss(both.get(group), "MXFP4");
            double other = loss(both.get(group), "MXFP8");
            assertThat(loss(both.get(group), Budget.KEPT)).isZero();
            if (own > SMALL) {
                assertThat(other).isEqualTo(loss(alone.get(group), "MXFP8"));
                much++;
            } else {
                assertThat(other).isNotEqualTo(loss(alone.get(group), "MXFP8"));
                assertThat(other / own).isBetween(1.0 / 40, 1.0 / 10);
            }
        }
        assertThat(much).isBetween(1, both.size() - 1);
        assertThat(shares).isSorted();
        assertThat(shares.getLast()).isCloseTo(1, within(1e-9));
    }

    private static double loss(Map<String, Double> losses, String scheme) {
        return Objects.requireNonNull(losses.get(scheme), scheme);
    }

    private static List<Map<String, Double>> losses(String scheme, List<String> others, List<Double> shares) {
        var budget = new Budget(new Budget.Bits(8), others);
        Recipe recipe = new Recipe(scheme, CompressedTensors.NAME, List.of()).withBudget(budget);
        try (Backend backend = Backends.cpu(2);
                Stream stream = backend.newStream();
                Checkpoint source = Checkpoint.open(TestModels.books5m())) {
            ModelSpec spec = Architectures.read(source.config().tree());
            var data = new CalibrationData(TestModels.calibrationTexts(), 2, 96, 0);
            var rounded =
                    new RoundedModules(new PlainRounding(backend, stream, JobMonitor.none()), ActivationRanges.none());
            return new LossStudy(
                            new ModelLoader(backend, source, spec),
                            rounded,
                            spec.hiddenSize(),
                            JobMonitor.none(),
                            shares::add)
                    .run(
                            Calibrator.samples(source, data, spec),
                            Candidates.of(source, recipe, budget, JobMonitor.none()));
        }
    }
}
