package io.octavo.cli.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TextTableTest {

    @Test
    void columnsAreAsWideAsWhatTheyHold() {
        assertThat(TextTable.of("lrl")
                        .row("NAME", "N", "REST")
                        .row("a", 100, "x")
                        .row("longer", 7, ""))
                .hasToString("""
                        NAME      N  REST
                        a       100  x
                        longer    7""");
    }

    @Test
    void leavesOutRowsOfWhatIsNotThere() {
        assertThat(TextTable.facts().indented().row("a", 1).row("b", null)).hasToString("  a  1");
        assertThat(TextTable.facts()).hasToString("");
    }
}
