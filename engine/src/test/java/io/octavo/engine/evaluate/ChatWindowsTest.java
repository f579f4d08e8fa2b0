package io.octavo.engine.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.TestModels;
import io.octavo.engine.chat.ChatTemplate;
import io.octavo.engine.chat.Interpreter;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.request.EvaluationTask;
import io.octavo.engine.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which tokens of chats are scored. */
class ChatWindowsTest {

    private static final int WINDOW = 8;

    @TempDir
    private Path folder;

    private Path model(String template) throws IOException {
        for (String name : List.of("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")) {
            Files.copy(TestModels.books5m().resolve(name), folder.resolve(name));
        }
        Files.writeString(folder.resolve("chat_template.jinja"), template);
        return folder;
    }

    /** Scored tokens of each window, behind the one token that comes before all of them. */
    @Test
    void aRenderedChatIsCutLikeATextAndItsFirstTokenIsNotDoubled() throws IOException {
        Interpreter.assumeThere();
        Path model = model("{{ bos_token }}{{ messages[0].content }}");
        Path chats = folder.resolve("chats.jsonl");
        Files.writeString(
                chats,
                "{\"messages\": [{\"role\": \"user\", \"content\": \"The old man sat down by the door of the house.\"}]}");
        try (Checkpoint checkpoint = Checkpoint.open(model);
                Tokenizer tokenizer = Tokenizer.open(model);
                ChatTemplate template = ChatTemplate.of(checkpoint)) {
            ModelSpec spec = Architectures.read(checkpoint.config().tree());
            int first = spec.prefixTokenId().orElseThrow();
            int[] text = tokenizer.encode("The old man sat down by the door of the house.");
            var task = new EvaluationTask.Perplexity("chats", chats, WINDOW, OptionalInt.of(1));

            var prepared = (PreparedTask.Windows) PreparedTask.prepare(task, tokenizer, spec, template);
            ScoredSequence window = prepared.windows().getFirst();
            assertThat(IntStream.rangeClosed(0, WINDOW).map(window::token).toArray())
                    .isEqualTo(IntStream.concat(
                                    IntStream.of(first), IntStream.of(text).limit(WINDOW))
                            .toArray());
        }
    }
}
