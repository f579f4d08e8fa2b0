package io.octavo.engine.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** MMLU's files and what becomes of them. */
class MmluTest {

    @TempDir
    private Path folder;

    /** The text is what lm_eval 0.4.13 makes of the same files, with two examples. */
    @Test
    void promptsAreThoseOfTheHarness() throws IOException {
        write(
                "dev/high_school_us_history_dev.csv",
                "\"This question refers to the following \"\"letter\"\".\nDear Sir, come, at once!\nWho wrote it?\""
                        + ",a king, a farmer ,\"a clerk, of old\",nobody,B\n"
                        + "  What is 1+1?\t,1,2,3,4,B\n"
                        + "unused,a,b,c,d,A\n");
        write(
                "test/high_school_us_history_test.csv",
                "Which river\u00a0,Nile,\"Rhine\",Po,Elbe,D\r\nAnd then?,w,x,y,z,A\r\n");
        Mmlu.Section section = Mmlu.read(folder, 2, Integer.MAX_VALUE).getFirst();
        assertThat(section.subject()).isEqualTo("high_school_us_history");
        assertThat(section.items()).hasSize(2);
        assertThat(section.items().getFirst()).isEqualTo(new Datasets.Item("""
                        The following are multiple choice questions (with answers) about high school us history.

                        This question refers to the following "letter".
                        Dear Sir, come, at once!
                        Who wrote it?
                        A. a king
                        B.  a farmer\s
                        C. a clerk, of old
                        D. nobody
                        Answer: B

                        What is 1+1?
                        A. 1
                        B. 2
                        C. 3
                        D. 4
                        Answer: B

                        Which river
                        A. Nile
                        B. Rhine
                        C. Po
                        D. Elbe
                        Answer:""", List.of("A", "B", "C", "D"), 3));
    }

    @Test
    void withoutExamplesNoDevFileIsNeeded() throws IOException {
        write("virology_test.csv", "Q,a,b,c,d,C\n");
        assertThat(Mmlu.read(folder, 0, 5).getFirst().items().getFirst().context())
                .isEqualTo("The following are multiple choice questions (with answers) about virology.\n\n"
                        + "Q\nA. a\nB. b\nC. c\nD. d\nAnswer:");
        assertThatThrownBy(() -> Mmlu.read(folder, 1, 5))
                .isInstanceOfSatisfying(
                        QuantizationException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.DATASET_INVALID))
                .hasMessageContaining("virology_dev.csv");
    }

    @Test
    void oneFileIsASubjectWhoseExamplesLieBesideItOrInDev() throws IOException {
        write("data/test/marketing_test.csv", "question,A,B,C,D,answer\nQ,a,b,c,d,A\nR,a,b,c,d,B\n");
        write("data/dev/marketing_dev.csv", "E,a,b,c,d,D\n");
        Mmlu.Section section =
                Mmlu.read(folder.resolve("data/test/marketing_test.csv"), 1, 1).getFirst();
        assertThat(section.subject()).isEqualTo("marketing");
        assertThat(section.items()).hasSize(1);
        assertThat(section.items().getFirst().context()).contains("E\nA. a").contains("Answer: D\n\nQ\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"Q,a,b,c,d\n", "Q,a,b,c,d,E\n", "Q,a,b,c,d,A,B\n", "Q,\"a,b,c,d,A\n"})
    void filesOfAnotherShapeAreRefused(String contents) throws IOException {
        write("anatomy_test.csv", contents);
        assertThatThrownBy(() -> Mmlu.read(folder, 0, 5))
                .isInstanceOfSatisfying(
                        QuantizationException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.DATASET_INVALID));
    }

    @Test
    void aFolderWithoutTestFilesIsRefused() throws IOException {
        write("notes.csv", "Q,a,b,c,d,A\n");
        assertThatThrownBy(() -> Mmlu.read(folder, 0, 5)).hasMessageContaining("_test.csv");
    }

    @Test
    void theFourCategoriesHaveThe57Subjects() {
        List<String> subjects = Stream.of(Mmlu.Category.values())
                .flatMap(category -> category.subjects().stream())
                .toList();
        assertThat(subjects).hasSize(57).doesNotHaveDuplicates();
        assertThat(Stream.of(Mmlu.Category.values())
                        .map(category -> category.subjects().size()))
                .containsExactly(19, 12, 13, 13);
    }

    private void write(String name, String contents) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, contents);
    }
}
