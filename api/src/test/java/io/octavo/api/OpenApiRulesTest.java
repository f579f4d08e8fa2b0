package io.octavo.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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
