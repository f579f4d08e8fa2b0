package io.octavo.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.test.web.server.LocalServerPort;
import tools.jackson.databind.JsonNode;

/** What people and generators of clients need of the document, which CI gives to a linter as well. */
@Timeout(120)
@ServiceTest
class OpenApiRulesTest {

    private record Operation(String name, JsonNode node) {}

    @LocalServerPort
    int port;

    @Test
    void everyOperationHasASummaryATagAndAnIdOfItsOwnThatIsAVerbAndANoun() throws Exception {
        List<Operation> operations = operations();
        assertThat(operations).hasSizeGreaterThan(40);
        assertThat(operations).allSatisfy(operation -> {
            assertThat(operation.node().path("summary").asString(""))
                    .isNotBlank()
                    .doesNotEndWith(".");
            assertThat(operation.node().path("operationId").asString(""))
                    .matches(
                            "(list|get|create|submit|cancel|retry|delete|restore|revoke|grant|set|upload|download|commit|replay)"
                                    + "([A-Z][a-z]+)+");
            assertThat(operation.node().path("tags").size()).isEqualTo(1);
        });
        assertThat(operations)
                .extracting(operation -> operation.node().path("operationId").asString(""))
                .doesNotHaveDuplicates();
    }

    @Test
    void everyOperationTellsItsProblemsAndWhatIsThereOnlyWhereSomethingIsNamed() throws Exception {
        assertThat(operations()).allSatisfy(operation -> {
            JsonNode answers = operation.node().path("responses");
            assertThat(answers.propertyNames()).contains("400", "401", "403", "406", "429", "503");
            assertThat(answers.propertyNames()).anyMatch(status -> status.startsWith("2"));
            for (String status : answers.propertyNames()) {
                assertThat(answers.path(status).path("description").asString(""))
                        .isNotBlank();
                if (status.startsWith("4")) {
                    assertThat(answers.at("/" + status + "/content/application~1problem+json/schema/$ref")
                                    .asString(""))
                            .isEqualTo("#/components/schemas/Problem");
                }
            }
        });
    }

    /** By the path alone: what ends in a name is one thing. */
    @Test
    void whateverShowsOneThingTellsItsTag() throws Exception {
        assertThat(operations())
                .filteredOn(operation -> operation.name().matches("get .*(?<!files/)\\{[a-z]+}"))
                .hasSizeGreaterThan(6)
                .allSatisfy(operation -> {
                    assertThat(operation.node().at("/responses/200/headers").propertyNames())
                            .as(operation.name())
                            .contains("ETag");
                    assertThat(operation.node().path("responses").propertyNames())
                            .contains("304", "412");
                });
    }

    @Test
    void filtersTellTheNamesThatTheyTake() throws Exception {
        assertThat(operations())
                .flatExtracting(operation ->
                        operation.node().path("parameters").valueStream().toList())
                .filteredOn(parameter -> parameter.path("in").asString("").equals("query")
                        && Set.of("type", "status")
                                .contains(parameter.path("name").asString("")))
                .hasSize(3)
                .allSatisfy(parameter -> assertThat(parameter.at("/schema/enum"))
                        .as(parameter.toString())
                        .hasSizeGreaterThan(2));
    }

    @Test
    void theStreamOfEventsIsWhatAClientReadsLineByLine() throws Exception {
        JsonNode stream =
                read().at("/paths/~1api~1v1~1jobs~1{id}~1events/get/responses/200/content/text~1event-stream/schema");
        assertThat(stream.path("type").asString("")).isEqualTo("string");
        assertThat(stream.path("description").asString("")).contains("id:", "event:", "data:", "log");
    }

    private List<Operation> operations() throws Exception {
        List<Operation> found = new ArrayList<>();
        read().path("paths")
                .forEachEntry((path, item) -> item.forEachEntry(
                        (method, operation) -> found.add(new Operation(method + " " + path, operation))));
        return found;
    }

    private JsonNode read() throws Exception {
        HttpResponse<String> document = new TestApi(port, null).get("/v3/api-docs");
        Files.writeString(Files.createDirectories(Path.of("target")).resolve("openapi.json"), document.body());
        return TestApi.read(document);
    }
}
