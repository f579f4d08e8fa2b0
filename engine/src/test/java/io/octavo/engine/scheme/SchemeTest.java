package io.octavo.engine.scheme;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.ErrorCode;
import io.octavo.engine.QuantizationException;
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
    void rejectsImpossibleShapes() {
        assertThatIllegalArgumentException().isThrownBy(() -> new Granularity.PerGroup(0));
        assertThatIllegalArgumentException().isThrownBy(() -> new Granularity.PerBlock(128, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> new NumberType.IntType(9));
    }
}
