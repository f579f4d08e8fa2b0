package io.octavo.api.openapi;

import io.octavo.api.condition.Tagged;
import io.octavo.api.identity.Caller;
import io.swagger.v3.oas.models.Components;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.PathItem;
import io.swagger.v3.oas.models.headers.Header;
import io.swagger.v3.oas.models.info.Info;
import io.swagger.v3.oas.models.info.License;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.parameters.HeaderParameter;
import io.swagger.v3.oas.models.responses.ApiResponse;
import io.swagger.v3.oas.models.security.SecurityRequirement;
import io.swagger.v3.oas.models.security.SecurityScheme;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.springdoc.core.customizers.GlobalOpenApiCustomizer;
import org.springdoc.core.customizers.OperationCustomizer;
import org.springdoc.core.utils.SpringDocUtils;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpHeaders;
import tools.jackson.databind.JsonNode;

/** Adds to the generated document: the key that calls need, the problems they answer with, and the jobs. */
@Configuration(proxyBeanMethods = false)
class OpenApiConfiguration {

    private static final String KEY = "key";
    private static final String PROBLEM = "Problem";
    private static final String PROBLEM_JSON = "application/problem+json";
    private static final String JSON = "application/json";
    private static final String JOBS = "/api/v1/jobs";
    private static final String DEPLOYMENTS = "/api/v1/deployments";

    private static final Map<String, String> EVERYWHERE = Map.of(
            "400", "a parameter or the request is malformed",
            "401", "no key, or none that is good",
            "403", "the key's scope does not include the call, or the operator does not allow the source",
            "404", "nothing has that name, or it belongs to another tenant",
            "406", "Accept names nothing that the call answers with",
            "429", "the caller calls too often",
            "503", "storage or the database does not answer; Retry-After says when to try again",
            "507", "storage or the database has no room");
    private static final Map<String, String> CHANGING = Map.of(
            "409", "the state of what is named does not allow it",
            "412", "a condition such as If-Match does not hold, so nothing was done",
            "413", "the body is too long",
            "415", "the body's type is not taken",
            "422", "what the request names is not there, or cannot work");

    static {
        SpringDocUtils.getConfig()
                .replaceWithSchema(JsonNode.class, new Schema<Object>().description("any JSON"))
                .addRequestWrapperToIgnore(Caller.class);
        JobSchemas.replaceTexts();
    }

    @Bean
    OpenAPI openApi() {
        return new OpenAPI()
                .info(new Info()
                        .title("Octavo")
                        .version("v1")
                        .license(new License().name("Apache-2.0").identifier("Apache-2.0"))
                        .description("Quantization as a service. docs/errors.md tells the codes of problems."))
                .components(new Components()
                        .addSecuritySchemes(
                                KEY,
                                new SecurityScheme()
                                        .type(SecurityScheme.Type.HTTP)
                                        .scheme("bearer")
                                        .description("an API key, or a token of the operator's identity provider"))
                        .addSchemas(PROBLEM, problem()))
                .security(List.of(new SecurityRequirement().addList(KEY)));
    }

    private static Schema<?> problem() {
        Schema<Object> problem = PlainSchemas.of("object");
        problem.setDescription("RFC 9457");
        for (String name : List.of("type", "title", "detail", "instance")) {
            problem.addProperty(name, PlainSchemas.of("string"));
        }
        problem.addProperty("status", PlainSchemas.of("integer"));
        problem.addProperty("code", PlainSchemas.text("stable; docs/errors.md lists them"));
        problem.setRequired(List.of("type", "status", "detail", "code"));
        return problem;
    }

    @Bean
    GlobalOpenApiCustomizer complete() {
        return document -> {
            JobSchemas.addTo(document.getComponents());
            EventSchemas.addTo(document.getComponents());
            document.getPaths()
                    .forEach((path, item) ->
                            item.readOperationsMap().forEach((method, operation) -> complete(path, method, operation)));
        };
    }

    private static void complete(String path, PathItem.HttpMethod method, Operation operation) {
        operation.setTags(List.of(path.split("/", -1)[3]));
        EventSchemas.describe(operation);
        if (path.equals(JOBS) && operation.getRequestBody() != null) {
            completeSubmission(operation);
        }
        if (path.equals(DEPLOYMENTS) && operation.getRequestBody() != null) {
            operation.getRequestBody().content(json(PlainSchemas.reference(JobSchemas.DEPLOYMENT)));
        }
        EVERYWHERE.forEach((status, meaning) -> addProblem(operation, status, meaning));
        if (method != PathItem.HttpMethod.GET) {
            CHANGING.forEach((status, meaning) -> addProblem(operation, status, meaning));
        }
        if (operation.getResponses().get("429") != null) {
            operation
                    .getResponses()
                    .get("429")
                    .addHeaderObject(
                            "Retry-After",
                            new Header().schema(PlainSchemas.of("string")).description("seconds"));
        }
        ApiResponse same = operation.getResponses().get("200");
        if (method == PathItem.HttpMethod.POST && path.endsWith("/revisions") && same != null) {
            same.setDescription("the newest revision has exactly these files");
            operation
                    .getResponses()
                    .addApiResponse(
                            "201",
                            new ApiResponse().description("a new revision").content(same.getContent()));
        }
        if (path.contains("/files/")) {
            if (method == PathItem.HttpMethod.GET) {
                addBytes(operation);
                addProblem(operation, "412", "If-Match does not hold of what is there");
            }
        }
        if (method != PathItem.HttpMethod.GET) {
            addCondition(operation, HttpHeaders.IF_MATCH, "only while it has one of these entity tags; * for any");
            addCondition(
                    operation, HttpHeaders.IF_NONE_MATCH, "only while it has none of these; * if nothing is there");
        }
        if (method == PathItem.HttpMethod.POST && !path.equals(JOBS)) {
            operation.addParametersItem(
                    new HeaderParameter().name("Idempotency-Key").schema(PlainSchemas.of("string")));
        }
    }

    /** Two methods answer it, of which the generator reads one. */
    private static void completeSubmission(Operation operation) {
        operation.getRequestBody().content(json(JobSchemas.any()));
        operation.getParameters().stream()
                .filter(parameter -> parameter.getName().equals("dryRun"))
                .forEach(parameter -> parameter
                        .schema(PlainSchemas.of("boolean"))
                        .description("true: answers with what the job would do, and queues nothing"));
        operation
                .getResponses()
                .addApiResponse(
                        "200",
                        new ApiResponse()
                                .description("what the job would do, where dryRun is true")
                                .content(json(PlainSchemas.reference("PlanView"))));
    }

    private static void addProblem(Operation operation, String status, String meaning) {
        operation
                .getResponses()
                .addApiResponse(
                        status,
                        new ApiResponse()
                                .description(meaning)
                                .content(new Content()
                                        .addMediaType(
                                                PROBLEM_JSON,
                                                new MediaType().schema(PlainSchemas.reference(PROBLEM)))));
    }

    private static void addCondition(Operation operation, String header, String meaning) {
        operation.addParametersItem(new HeaderParameter()
                .name(header)
                .description("by the ETag of what is changed, or of the nearest resource above it: " + meaning)
                .schema(PlainSchemas.of("string")));
    }

    /** What shows one resource tells its entity tag. */
    @Bean
    OperationCustomizer entityTags() {
        return (operation, method) -> {
            if (method.hasMethodAnnotation(Tagged.class)) {
                ApiResponse shown =
                        Objects.requireNonNull(operation.getResponses().get("200"));
                shown.addHeaderObject(
                        HttpHeaders.ETAG,
                        new Header().schema(PlainSchemas.text("changes with anything that is shown; for If-Match")));
                operation
                        .getResponses()
                        .addApiResponse("304", new ApiResponse().description("what the client has is current"));
                addProblem(operation, "412", "If-Match does not hold of what is there");
                operation.addParametersItem(new HeaderParameter()
                        .name(HttpHeaders.IF_NONE_MATCH)
                        .description("the ETag that the client has")
                        .schema(PlainSchemas.of("string")));
            }
            return operation;
        };
    }

    /** Files answer with what they hold, whole or a range of it. */
    private static void addBytes(Operation operation) {
        Schema<?> bytes = PlainSchemas.of("string").format("binary");
        Content content = new Content().addMediaType("application/octet-stream", new MediaType().schema(bytes));
        operation
                .getResponses()
                .addApiResponse(
                        "200", new ApiResponse().description("the whole").content(content))
                .addApiResponse(
                        "206",
                        new ApiResponse().description("the range asked for").content(content))
                .addApiResponse("304", new ApiResponse().description("what the client has is current"));
        addProblem(operation, "416", "the range lies outside");
    }

    private static Content json(Schema<?> schema) {
        return new Content().addMediaType(JSON, new MediaType().schema(schema));
    }
}
