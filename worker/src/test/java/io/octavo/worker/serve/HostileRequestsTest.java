package io.octavo.worker.serve;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What no client sends by mistake alone. The seed decides all of it. */
@Timeout(240)
class HostileRequestsTest extends AbstractServerTest {

    private static final long SEED = Long.getLong("octavo.hostile.seed", 17);

    /** In a short form; more of them by {@code -Doctavo.hostile.requests=10000}. */
    private static final int REQUESTS = Integer.getInteger("octavo.hostile.requests", 1500);

    private static final String COMPLETION =
            "{\"model\":\"octavo/tiny\",\"prompt\":\"The old man\",\"max_tokens\":3,\"temperature\":0.5,\"stop\":[\"x\"]}";
    private static final String CHAT =
            "{\"model\":\"octavo/tiny\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}],"
                    + "\"max_tokens\":3,\"seed\":5,\"stream\":true}";

    /** Fields of both calls, each with what it cannot be. */
    private static final List<List<String>> WRONG = List.of(
            List.of("model", "5", "[]", "{}", "true", "\"other\""),
            List.of("max_tokens", "-1", "\"3\"", "3.5", "1e99", "99999999999", "[]", "{}", "true"),
            List.of("temperature", "-0.1", "2.5", "\"hot\"", "1e400", "[0]", "{}", "false"),
            List.of("top_p", "0", "-1", "1.01", "\"\"", "{}"),
            List.of("top_k", "-2", "0.5", "4294967296", "\"all\""),
            List.of("min_p", "-1", "2", "[]"),
            List.of("n", "0", "-1", "129", "1.5", "1000000000000", "\"2\""),
            List.of("best_of", "2", "0", "\"1\""),
            List.of("stop", "5", "[\"a\",\"b\",\"c\",\"d\",\"e\"]", "[1]", "\"\"", "[[]]", "{}", "\"\\ud800\""),
            List.of("stop_token_ids", "5", "[\"a\"]", "[-1]", "{}"),
            List.of("seed", "\"x\"", "0.5", "99999999999999999999", "[]"),
            List.of("stream", "1", "\"true\"", "[]"),
            List.of("stream_options", "5", "[]", "\"\""),
            List.of("presence_penalty", "-2.1", "2.1", "\"a\""),
            List.of("frequency_penalty", "-2.1", "1e300", "[]"),
            List.of("repetition_penalty", "0", "-1", "\"1\""),
            List.of(
                    "logit_bias",
                    "5",
                    "[1]",
                    "{\"a\":1}",
                    "{\"5\":101}",
                    "{\"-5\":1}",
                    "{\"2000\":1}",
                    "{\"5\":\"x\"}"),
            List.of("response_format", "5", "{}", "{\"type\":\"json_object\"}", "{\"type\":\"json_schema\"}"),
            List.of("guided_json", "{\"type\":\"object\"}", "\"x\""));

    private static final List<List<String>> WRONG_PROMPTS = List.of(List.of(
            "prompt",
            "null",
            "5",
            "{}",
            "true",
            "[]",
            "[[]]",
            "[1,\"a\"]",
            "[\"a\",1]",
            "[[1],\"a\"]",
            "[-1]",
            "[0.5]",
            "[1000]",
            "[99999999999]",
            "\"\\udc00\"",
            "[[[1]]]",
            "[null]",
            "\"" + "long ".repeat(FakeModel.LENGTH) + "\""));

    private static final List<List<String>> WRONG_CHATS = List.of(
            List.of(
                    "messages",
                    "null",
                    "5",
                    "{}",
                    "[]",
                    "[5]",
                    "[{}]",
                    "[{\"role\":\"user\"}]",
                    "[{\"content\":\"a\"}]",
                    "[{\"role\":\"king\",\"content\":\"a\"}]",
                    "[{\"role\":5,\"content\":\"a\"}]",
                    "[{\"role\":\"user\",\"content\":5}]",
                    "[{\"role\":\"user\",\"content\":[5]}]",
                    "[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"a\"}}]}]",
                    "[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]",
                    "[{\"role\":\"user\",\"content\":\"\\ud83d\"}]",
                    "[{\"role\":\"function\",\"content\":\"a\"}]",
                    "[{\"role\":\"assistant\",\"content\":\"a\",\"tool_calls\":[{\"id\":\"1\"}]}]",
                    "[{\"role\":\"user\",\"content\":\"" + "long ".repeat(FakeModel.LENGTH) + "\"}]"),
            List.of("tools", "[{\"type\":\"function\"}]", "5", "\"x\""),
            List.of("tool_choice", "\"required\"", "{\"type\":\"function\"}"),
            List.of("audio", "{\"voice\":\"a\"}"),
            List.of("modalities", "[\"audio\"]", "[\"text\",\"audio\"]", "5"),
            List.of("top_logprobs", "1", "-1", "21"),
            List.of("logprobs", "1", "\"yes\""),
            List.of("chat_template", "\"{{ 1 }}\""),
            List.of("chat_template_kwargs", "5", "[]"));

    private final RandomGenerator random =
            RandomGeneratorFactory.of("L64X128MixRandom").create(SEED);

    @Test
    void refusesEachFieldThatIsWrong() throws Exception {
        for (boolean chat : List.of(false, true)) {
            for (String body : wrongFields(chat)) {
                refuses(chat, bytes(body));
            }
        }
        assertThat(server.model.submitted).hasValue(0);
    }

    @Test
    void refusesEachAndGoesOn() throws Exception {
        for (int i = 0; i < REQUESTS; i++) {
            boolean chat = random.nextBoolean();
            refuses(chat, hostile(chat));
        }
        assertThat(server.model.submitted).as("seed %d", SEED).hasValue(0);
        assertThat(server.answer("/v1/completions", COMPLETION)
                        .at("/choices/0/text")
                        .asString())
                .isEqualTo("opq");
    }

    private void refuses(boolean chat, byte[] body) throws Exception {
        HttpResponse<String> response = server.post(chat ? "/v1/chat/completions" : "/v1/completions", body);
        String told = "seed " + SEED + ": " + start(body) + " -> " + response.body();
        assertThat(response.statusCode()).as(told).isBetween(400, 499);
        assertThat(TestServer.json(response).at("/error/message").asString())
                .as(told)
                .isNotBlank();
    }

    @Test
    void refusesWhatIsTooLarge() throws Exception {
        byte[] large = new byte[(8 << 20) + 1];
        Arrays.fill(large, (byte) ' ');
        assertThat(server.post("/v1/completions", large).statusCode()).isEqualTo(413);
        assertThat(server.post("/v1/completions", "{'prompt':[" + "1,".repeat(600_000) + "1]}")
                        .statusCode())
                .isEqualTo(413);
    }

    private byte[] hostile(boolean chat) {
        String valid = chat ? CHAT : COMPLETION;
        return switch (random.nextInt(8)) {
            case 0 -> bytes(valid.substring(0, random.nextInt(valid.length())));
            case 1 -> invalidText(bytes(valid));
            case 2 -> bytes(nested());
            case 3 ->
                bytes(List.of("[]", "5", "\"a\"", "null", valid + valid, "NaN", "{'a':1}", "")
                        .get(random.nextInt(8)));
            case 4 -> bytes(valid.replaceFirst("\\{", "{\"stop\":\"a\",\"stop\":\"b\","));
            default -> {
                List<String> wrong = wrongFields(chat);
                yield bytes(wrong.get(random.nextInt(wrong.size())));
            }
        };
    }

    /** A byte that UTF-8 has not, or the beginning of a character without its end. */
    private byte[] invalidText(byte[] valid) {
        byte[] wrong = {(byte) 0xff, (byte) 0xc0, (byte) 0xe2, (byte) 0xf8, (byte) 0x80};
        int place = new String(valid, StandardCharsets.UTF_8).lastIndexOf('l');
        valid[place] = wrong[random.nextInt(wrong.length)];
        return valid;
    }

    private String nested() {
        int depth = random.nextInt(65, 20_000);
        String open = random.nextBoolean() ? "[" : "{\"a\":";
        return "{\"prompt\":" + open.repeat(depth);
    }

    private static List<String> wrongFields(boolean chat) {
        var fields = new ArrayList<>(WRONG);
        fields.addAll(chat ? WRONG_CHATS : WRONG_PROMPTS);
        var bodies = new ArrayList<String>();
        for (List<String> field : fields) {
            String valid = without(field.getFirst(), chat ? CHAT : COMPLETION).substring(1);
            for (String value : field.subList(1, field.size())) {
                bodies.add("{\"" + field.getFirst() + "\":" + value + ',' + valid);
            }
        }
        return bodies;
    }

    private static String without(String name, String valid) {
        return valid.replaceFirst("\"" + name + "\":(\\[[^]]*\\]|\"[^\"]*\"|[^,}]*),?", "")
                .replace(",}", "}");
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String start(byte[] body) {
        String text = new String(body, StandardCharsets.ISO_8859_1);
        return text.length() > 400 ? text.substring(0, 400) + "..." : text;
    }
}
