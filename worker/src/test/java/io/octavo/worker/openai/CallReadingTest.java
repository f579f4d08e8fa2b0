package io.octavo.worker.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.octavo.engine.serve.SamplingParameters;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.node.ObjectNode;

class CallReadingTest {

    /** @param json with ' in place of " */
    private static ObjectNode body(String json) {
        return OpenAiJson.parse(json.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void takesDefaultsOfTheReference() {
        CompletionCall call = CompletionCall.read(body("{'prompt':'a','best_of':null,'unheard_of':[1]}"));

        assertThat(call.model()).isNull();
        assertThat(call.maxTokens()).isEqualTo(16);
        assertThat(call.echo()).isFalse();
        assertThat(call.prompts()).containsExactly(new Prompt.Text("a"));
        GenerationOptions options = call.options();
        assertThat(options.choices()).isEqualTo(1);
        assertThat(options.sampling()).isEqualTo(new SamplingParameters(1, 0, 1, 0, 1, 0, 0, Map.of(), null));
        assertThat(options.topLogprobs()).isNull();
        assertThat(options.stream()).isFalse();
    }

    @Test
    void readsEveryFieldOfACompletion() {
        CompletionCall call =
                CompletionCall.read(body("{'model':'m','prompt':['a','b'],'max_tokens':5,'echo':true,'n':2,"
                        + "'best_of':2,'temperature':0.5,'top_p':0.9,'top_k':-1,'min_p':0.1,'repetition_penalty':1.5,"
                        + "'presence_penalty':-1,'frequency_penalty':2,'logit_bias':{'5':-100},'seed':-7,'stop':['x','y'],"
                        + "'stop_token_ids':[3],'ignore_eos':true,'include_stop_str_in_output':true,'logprobs':5,'stream':true,"
                        + "'stream_options':{'include_usage':true},'user':'u','suffix':''}"));

        assertThat(call.model()).isEqualTo("m");
        assertThat(call.echo()).isTrue();
        GenerationOptions options = call.options();
        assertThat(options.sampling())
                .isEqualTo(new SamplingParameters(0.5f, 0, 0.9f, 0.1f, 1.5f, -1, 2, Map.of(5, -100f), -7L));
        assertThat(options.stop().strings()).containsExactly("x", "y");
        assertThat(options.stop().tokens()).containsExactly(3);
        assertThat(options.stop().ignoresEnd()).isTrue();
        assertThat(options.stop().includesStop()).isTrue();
        assertThat(options.topLogprobs()).isEqualTo(5);
        assertThat(options.includeUsage()).isTrue();
    }

    @Test
    void readsAChat() {
        ChatCall call = ChatCall.read(body("{'messages':[{'role':'system','content':'s','name':'n'},"
                + "{'role':'user','content':[{'type':'text','text':'a'},{'type':'text','text':'b'}]}],"
                + "'tools':[],'tool_choice':'none','response_format':{'type':'text'},'modalities':['text'],"
                + "'logprobs':true,'chat_template_kwargs':{'enable_thinking':false},'stop':'x'}"));

        assertThat(call.maxTokens()).isNull();
        assertThat(call.chat().messages().toString())
                .isEqualTo("[{\"role\":\"system\",\"content\":\"s\",\"name\":\"n\"},"
                        + "{\"role\":\"user\",\"content\":\"a\\nb\"}]");
        assertThat(call.chat().addGenerationPrompt()).isTrue();
        assertThat(call.chat().variables()).containsOnlyKeys("enable_thinking");
        assertThat(call.options().topLogprobs()).isZero();
        assertThat(call.options().stop().strings()).isEqualTo(List.of("x"));
    }

    @Test
    void readsWhatToolsWereCalledAndWhatTheyAnswered() {
        ChatCall call = ChatCall.read(OpenAiJson.parse("""
                {"messages": [{"role": "user", "content": "How warm is it?"},
                {"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function",
                "function": {"name": "weather", "arguments": "{\\"city\\": \\"Ulm\\"}"}}]},
                {"role": "tool", "tool_call_id": "c1", "content": "21"}, {"role": "assistant", "content": null}]}
                """.getBytes(StandardCharsets.UTF_8)));

        assertThat(call.chat().messages().toString())
                .isEqualTo("[{\"role\":\"user\",\"content\":\"How warm is it?\"},"
                        + "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\","
                        + "\"function\":{\"name\":\"weather\",\"arguments\":{\"city\":\"Ulm\"}}}]},"
                        + "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"21\"},"
                        + "{\"role\":\"assistant\",\"content\":\"\"}]");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'n':1} | missing_required_parameter | prompt | prompt is missing",
                "{'prompt':{}} | invalid_type | prompt | prompt must be a string, an array of strings,",
                "{'prompt':[1,'a']} | invalid_type | prompt[1] | prompt[1] must be a whole number, not \"a\"",
                "{'prompt':['a',[1]]} | invalid_type | prompt[1] | prompt[1] must be a string, not an array",
                "{'prompt':'\\ud800a'} | invalid_value | prompt | prompt holds half of a surrogate pair",
                "{'prompt':'a','temperature':2.1} | invalid_value | temperature | is 2.1; allowed: 0 to 2",
                "{'prompt':'a','top_p':0} | invalid_value | top_p | is 0; allowed: above 0, up to 1",
                "{'prompt':'a','max_tokens':0} | invalid_value | max_tokens | is 0; allowed: 1 to",
                "{'prompt':'a','best_of':3} | unsupported_parameter | best_of | it can be what n is alone, 1",
                "{'prompt':'a','suffix':'b'} | unsupported_parameter | suffix | not filled in",
                "{'prompt':'a','add_special_tokens':false} | unsupported_parameter | add_special_tokens | BOS is put",
                "{'prompt':'a','skip_special_tokens':false} | unsupported_parameter | skip_special_tokens | no text",
                "{'prompt':'a','allowed_token_ids':[5]} | unsupported_parameter | allowed_token_ids | cannot be asked",
                "{'prompt':'a','truncate_prompt_tokens':1} | unsupported_parameter | truncate_prompt_tokens | cannot",
                "{'prompt':['a','b','c'],'n':100} | invalid_value | prompt | 3 times 100 texts; at most 256",
                "{'prompt':'a','logit_bias':{'x':1}} | invalid_value | logit_bias | no token id",
                "{'prompt':'a','stream_options':{}} | invalid_value | stream_options | only allowed with stream",
                "{'prompt':'a','stop':['a',5]} | invalid_type | stop[1] | stop[1] must be a string, not 5"
            })
    void saysWhichFieldCannotBe(String json, String code, String param, String message) {
        assertRefused(() -> CompletionCall.read(body(json)), code, param, message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'messages':[]} | invalid_value | messages | has 0 messages",
                "{'messages':[{'role':'user'}]} | missing_required_parameter | messages[0].content | is missing",
                "{'messages':[{'role':'king','content':'a'}]} | invalid_value | messages[0].role | system, developer",
                "{'messages':[{'role':'function','content':'a'}]} | unsupported_parameter | messages[0].role | must be system",
                "{'messages':[{'role':'user','content':null}]} | missing_required_parameter | messages[0].content | missing",
                "{'messages':[{'role':'assistant'}]} | missing_required_parameter | messages[0].content | is missing",
                "{'messages':[{'role':'user','content':'a','tool_calls':[{}]}]} | invalid_value |"
                        + " messages[0].tool_calls | of an assistant",
                "{'messages':[{'role':'assistant','tool_calls':[{'function':{'name':'f','arguments':'{'}}]}]} |"
                        + " invalid_value | messages[0].tool_calls[0].function.arguments | is no JSON object",
                "{'messages':[{'role':'assistant','tool_calls':{'a':1}}]} | invalid_type |"
                        + " messages[0].tool_calls | must be an array",
                "{'messages':[{'role':'user','content':[{'type':'image_url'}]}]} | unsupported_parameter |"
                        + " messages[0].content[0].type | text alone",
                "{'messages':[{'role':'user','content':'a','name':'\\ud83d'}]} | invalid_value | messages[0].name | half",
                "{'messages':[{'role':'user','content':'a'}],'continue_final_message':true} |"
                        + " unsupported_parameter | continue_final_message | cannot be asked",
                "{'messages':[{'role':'user','content':'a'}],'tools':[{}]} | unsupported_parameter | tools | cannot call",
                "{'messages':[{'role':'user','content':'a'}],'response_format':{'type':'json_object'}} |"
                        + " unsupported_parameter | response_format | text alone",
                "{'messages':[{'role':'user','content':'a'}],'top_logprobs':2} | invalid_value | top_logprobs |"
                        + " only allowed with logprobs"
            })
    void saysWhatOfAChatCannotBe(String json, String code, String param, String message) {
        assertRefused(() -> ChatCall.read(body(json)), code, param, message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "[] | must be a JSON object",
                "{'a':1,'a':2} | Duplicate",
                "{'a':1} 5 | no JSON",
                "`` | must be a JSON object",
                "{'a':NaN} | no JSON"
            })
    void takesNothingButAnObject(String json, String message) {
        assertThatExceptionOfType(OpenAiException.class)
                .isThrownBy(() -> body(json))
                .withMessageContaining(message)
                .satisfies(e -> assertThat(e.slug()).isEqualTo("invalid_json"));
    }

    @Test
    void takesNoOverlongForms() {
        // A quotation mark in two bytes, which lenient readers take for one.
        byte[] overlong = {'{', (byte) 0xc0, (byte) 0xa2, 'a', '"', ':', '1', '}'};

        assertThatExceptionOfType(OpenAiException.class)
                .isThrownBy(() -> OpenAiJson.parse(overlong))
                .withMessage("the body is not UTF-8");
    }

    private static void assertRefused(Runnable read, String code, String param, String message) {
        assertThatExceptionOfType(OpenAiException.class)
                .isThrownBy(read::run)
                .withMessageContaining(message)
                .satisfies(e -> {
                    assertThat(e.slug()).isEqualTo(code);
                    assertThat(e.answer().error().param()).isEqualTo(param);
                    assertThat(e.status()).isEqualTo(400);
                });
    }
}
