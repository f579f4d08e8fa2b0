package io.octavo.cli.transfer;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.hub.NameClash;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NameClashTest {

    /** By letters, by composition, by both, and by a sign that Unicode calls the same as a letter. */
    @ParameterizedTest
    @CsvSource({"README.md,readme.md", "caf\u00e9,cafe\u0301", "sub/CAF\u00c9,sub/cafe\u0301", "\u212b,\u00e5"})
    void findsTwoThatAreOne(String one, String other) {
        assertThat(NameClash.among(List.of("x", one, other))).contains(new NameClash(one, other));
    }

    @Test
    void takesNamesThatDiffer() {
        assertThat(NameClash.among(List.of("a", "a/b", "a.b", "\u00e9", "e", "stra\u00dfe", "strasse")))
                .isEmpty();
    }
}
