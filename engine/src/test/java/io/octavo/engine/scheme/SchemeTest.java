package io.octavo.engine.scheme;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import org.junit.jupiter.api.Test;

class SchemeTest {

    @Test
    void findsPresetsByTheFieldsNames() {
        assertThat(Scheme.named("FP8_DYNAMIC")).isSameAs(Scheme.FP8_DYNAMIC);
    }

    @Test
    void rejectsUnknownNamesWithTheAllowedOnes() {
        assertThatThrownBy(() -> Scheme.named("fp8"))
                .isInstanceOfSatisfying(
                        QuantizationException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.SCHEME_UNKNOWN))
                .hasMessageContaining("FP8_DYNAMIC");
    }

    @Test
    void saysWhatIsStoredInWords() {
        assertThat(Scheme.FP8_DYNAMIC.inputs().orElseThrow()).hasToString("E4M3 per token, dynamic");
        assertThat(Scheme.named("W4A16_ASYM").weights()).hasToString("INT4 asymmetric in groups of 128");
        assertThat(Scheme.named("NVFP4A16").weights())
                .hasToString("E2M1 in groups of 16 and per tensor with E4M3 scales");
        assertThat(Scheme.FP8_BLOCK.weights()).hasToString("E4M3 in blocks of 128 x 128");
    }

    @Test
    void rejectsImpossibleShapes() {
        assertThatIllegalArgumentException().isThrownBy(() -> new Granularity.PerGroup(0));
        assertThatIllegalArgumentException().isThrownBy(() -> new Granularity.PerBlock(128, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> new NumberType.IntType(9));
    }
}
