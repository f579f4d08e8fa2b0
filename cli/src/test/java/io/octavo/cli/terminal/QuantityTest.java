package io.octavo.cli.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuantityTest {

    @ParameterizedTest
    @CsvSource({
        "0,0 B",
        "999,999 B",
        "1000,1.0 kB",
        "999949,1.0 MB",
        "10101248,10.1 MB",
        "16060000000,16.1 GB",
        "123456,123 kB"
    })
    void writesBytesInDecimalUnits(long bytes, String text) {
        assertThat(Quantity.bytes(bytes)).isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource({"0.44,0.4 s", "99.9,99.9 s", "100,1 min 40 s", "3661,1 h 01 min"})
    void writesDurations(double seconds, String text) {
        assertThat(Quantity.seconds(seconds)).isEqualTo(text);
    }
}
