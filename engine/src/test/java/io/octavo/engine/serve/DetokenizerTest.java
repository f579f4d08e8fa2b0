package io.octavo.engine.serve;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.TestModels;
import io.octavo.engine.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DetokenizerTest {

    private Tokenizer tokenizer;

    @BeforeEach
    void open() {
        tokenizer = Tokenizer.open(TestModels.books5m());
    }

    @AfterEach
    void close() {
        tokenizer.close();
    }

    private List<Integer> ids(String text) {
        return Arrays.stream(tokenizer.encode(text)).boxed().toList();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "The old man looked out of the window.\n\n  And saw.",
                "caf\u00e9 na\u00efve \u65e5\u672c\u8a9e\u306e\u6587\u7ae0 \ud83d\ude42\ud83d\udc69\u200d\ud83d\ude80 done",
                "\ud83d\ude42",
                "a\u0301\u0302 \u0627\u0644\u0639"
            })
    void neverGivesAHalfCharacter(String text) {
        var detokenizer = new Detokenizer(tokenizer::decode, ids("Once upon"));
        var whole = new StringBuilder();
        for (int id : ids(text)) {
            String added = detokenizer.add(id);
            assertThat(added).doesNotContain("\uFFFD");
            assertThat(added.isEmpty() || !Character.isHighSurrogate(added.charAt(added.length() - 1)))
                    .isTrue();
            whole.append(added);
        }
        assertThat(whole + detokenizer.rest()).isEqualTo(text);
    }

    @Test
    void goesOnWithACharacterThatThePromptBegan() {
        List<Integer> ids = ids("x\ud83d\ude42y");
        for (int split = 1; split < ids.size(); split++) {
            var detokenizer = new Detokenizer(tokenizer::decode, ids.subList(0, split));
            var added = new StringBuilder();
            ids.subList(split, ids.size()).forEach(id -> added.append(detokenizer.add(id)));
            String out = tokenizer.decode(ids.subList(0, split)).replace("\uFFFD", "");
            assertThat(out + added + detokenizer.rest()).isEqualTo("x\ud83d\ude42y");
        }
    }

    @Test
    void givesAtTheEndWhatIsNoCharacter() {
        List<Integer> ids = new ArrayList<>(ids("\ud83d\ude42"));
        var detokenizer = new Detokenizer(tokenizer::decode, List.of());
        assertThat(detokenizer.add(ids.getFirst())).isEmpty();
        assertThat(detokenizer.rest()).isEqualTo("\uFFFD");
    }
}
