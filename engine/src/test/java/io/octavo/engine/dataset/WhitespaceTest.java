package io.octavo.engine.dataset;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Counted and stripped with Python 3.11. */
class WhitespaceTest {

    @Test
    void wordsAreWhatPythonSplits() {
        assertThat(Whitespace.words("")).isEqualTo(1);
        assertThat(Whitespace.words("one")).isEqualTo(1);
        assertThat(Whitespace.words("  one \n two\t")).isEqualTo(4);
        assertThat(Whitespace.words("a\u00a0b\u2003c\u0085d\u001ce\u200bf")).isEqualTo(5);
        assertThat(Whitespace.words("\ud83d\ude00 \ud83d\ude00")).isEqualTo(2);
    }

    @Test
    void stripsWhatPythonStrips() {
        assertThat(Whitespace.strip("\u00a0 a b\u0085\u001f\n")).isEqualTo("a b");
        assertThat(Whitespace.stripTrailing(" a \u3000")).isEqualTo(" a");
        assertThat(Whitespace.strip(" \t")).isEmpty();
    }
}
