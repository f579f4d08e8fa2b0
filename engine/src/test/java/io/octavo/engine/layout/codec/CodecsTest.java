package io.octavo.engine.layout.codec;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.layout.GivenWeight;
import io.octavo.engine.layout.LayoutFixture;
import io.octavo.engine.layout.QuantizedLayouts;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.layout.weight.InputScale;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.layout.weight.StoredNumbers;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CodecsTest {

    private static final String MODULE = "model.layers.0.mlp.up_proj";

    @TempDir
    Path folder;

    static List<Scheme> presets() {
        return Scheme.PRESETS;
    }

    /** Sizes that hold one block, and a group more than that. */
    @ParameterizedTest
    @MethodSource("presets")
    void readsBackEveryPresetInTheFormatOfItsOwn(Scheme scheme) throws IOException {
        int columns = scheme.equals(Scheme.FP8_BLOCK) ? 128 : 256;
        GivenWeight weight = GivenWeight.random(128, columns, scheme.weights(), 11);
        Optional<InputScale> inputScale = scheme.inputs()
                .filter(Quantization::isCalibrated)
                .map(inputs -> inputs.symmetric() ? InputScale.symmetric(0.25f) : new InputScale(0.25f, -7));
        var stored = new QuantizedLinear(MODULE, weight, scheme.inputs(), inputScale);
        var numbers = new StoredNumbers(
                scheme.weights(), scheme.inputs(), List.of("lm_head"), Optional.empty(), DType.BF16, false);
        Path written = new LayoutFixture(Layout.COMPRESSED_TENSORS, numbers, stored).write(folder);
        try (Checkpoint checkpoint = Checkpoint.open(written)) {
            QuantizedLinear read =
                    QuantizedLayouts.read(checkpoint).find(MODULE).orElseThrow();
            assertThat(GivenWeight.numbers(read.weight())).isEqualTo(GivenWeight.numbers(weight));
            assertThat(read.weight().quantization()).isEqualTo(scheme.weights());
            assertThat(read.inputs()).isEqualTo(scheme.inputs());
            assertThat(read.inputScale()).isEqualTo(inputScale);
        }
    }

    /** What a layout's config says is what is read from it. */
    @Test
    void spellsConfigsThatSayTheSame() {
        for (Layout layout : Layout.values()) {
            for (Scheme scheme : Scheme.PRESETS) {
                Declaration.Group group = Declaration.Group.of(scheme);
                if (Codecs.of(layout, group).isEmpty()) {
                    continue;
                }
                var numbers = new StoredNumbers(
                        scheme.weights(), scheme.inputs(), List.of("lm_head"), Optional.empty(), DType.F32, false);
                Declaration.Group read = Declaration.strict(new LayoutWriter(layout, numbers).config(false))
                        .groups()
                        .getFirst();
                // AWQ's readers need zero points even where all of them are in the middle.
                Quantization expected = layout == Layout.AWQ ? scheme.weights().asymmetric() : scheme.weights();
                assertThat(read.weights()).as("%s in %s", scheme.name(), layout).isEqualTo(expected);
                assertThat(read.inputs()).as("%s in %s", scheme.name(), layout).isEqualTo(scheme.inputs());
            }
        }
    }
}
