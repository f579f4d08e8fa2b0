package io.octavo.api.serve;

import io.octavo.api.identity.Caller;
import io.octavo.jobs.deployment.Deployments;
import io.octavo.jobs.deployment.ServedRoute;
import io.octavo.jobs.identity.TenantId;
import io.octavo.wire.DeploymentState;
import io.octavo.wire.DeploymentView;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import org.apache.catalina.connector.ClientAbortException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.transaction.TransactionException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code models}, {@code completions} and {@code chat/completions} of the caller's own deployments. A servlet and no
 * controller, since an answer that broke off has to end with its connection, and not with a problem behind it.
 */
final class ServeServlet extends HttpServlet {

    static final String ROOT = "/serve/v1";

    private static final long serialVersionUID = 1L;
    private static final Logger LOG = LoggerFactory.getLogger(ServeServlet.class);
    private static final String MODELS = "/models";
    private static final String COMPLETIONS = "/completions";
    private static final String CHATS = "/chat/completions";
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._/-]{0,199}");
    private static final String RETRY_SECONDS = "2";

    private final transient Deployments deployments;
    private final transient ServeProxy proxy;
    private final transient CallRoom room;

    ServeServlet(Deployments deployments, ServeProxy proxy, CallRoom room) {
        this.deployments = deployments;
        this.proxy = proxy;
        this.room = room;
    }

    static boolean isBelow(String path) {
        return path.equals(ROOT) || path.startsWith(ROOT + "/");
    }

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        try {
            answer(request, response);
        } catch (IOException e) {
            LOG.debug("An answer was not ended: {}", e.getMessage());
            // For which the server closes the connection, and writes no error page behind what was begun.
            throw new ClientAbortException(e);
        }
    }

    private void answer(HttpServletRequest request, HttpServletResponse response) throws IOException {
        try {
            route(request, response);
        } catch (ServeException e) {
            refuse(response, e.error());
        } catch (DataAccessException | TransactionException e) {
            LOG.warn("A call met the database away: {}", e.getMessage());
            refuse(response, new OpenAiError(503, "database-unavailable", null, "the database does not answer"));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            refuse(response, new OpenAiError(503, "server_overloaded", null, "the service is stopping"));
        } catch (RuntimeException e) {
            LOG.error("A call failed unexpectedly", e);
            refuse(response, new OpenAiError(500, "internal_error", null, "the service failed; its log has more"));
        }
    }

    private void route(HttpServletRequest request, HttpServletResponse response)
            throws IOException, InterruptedException {
        if (!(request.getUserPrincipal() instanceof Caller caller)) {
            throw new ServeException(401, "invalid_api_key", null, "this call needs an API key");
        }
        String path = request.getPathInfo() == null ? "" : request.getPathInfo();
        switch (path) {
            case COMPLETIONS, CHATS -> {
                if (isMethod(request, response, "POST")) {
                    pass(path, caller, request, response);
                }
            }
            case MODELS -> {
                if (isMethod(request, response, "GET", "HEAD")) {
                    answer(response, models(caller.tenant()));
                }
            }
            default -> {
                if (!path.startsWith(MODELS + "/")) {
                    throw new ServeException(404, "unknown_url", null, "there is no " + ROOT + path);
                }
                if (isMethod(request, response, "GET", "HEAD")) {
                    answer(response, model(caller.tenant(), path.substring(MODELS.length() + 1)));
                }
            }
        }
    }

    /** Answers OPTIONS by itself. */
    private static boolean isMethod(HttpServletRequest request, HttpServletResponse response, String... methods) {
        for (String method : methods) {
            if (request.getMethod().equals(method)) {
                return true;
            }
        }
        response.setHeader("Allow", String.join(", ", methods) + ", OPTIONS");
        if (request.getMethod().equals("OPTIONS")) {
            response.setStatus(HttpServletResponse.SC_NO_CONTENT);
            return false;
        }
        throw new ServeException(405, "method_not_allowed", null, "this is called by " + methods[0] + " alone");
    }

    private ObjectNode models(TenantId tenant) {
        ObjectNode list = JsonNodeFactory.instance.objectNode().put("object", "list");
        ArrayNode data = list.putArray("data");
        deployments.ready(tenant).forEach(deployment -> data.add(model(deployment)));
        return list;
    }

    private ObjectNode model(TenantId tenant, String name) {
        ServedRoute route = ready(tenant, name, null);
        return model(deployments.get(tenant, route.id()));
    }

    /** As octavo serve tells it, with what it was made of. */
    private static ObjectNode model(DeploymentView deployment) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("id", deployment.name())
                .put("object", "model")
                .put("created", deployment.createdAt().getEpochSecond())
                .put("owned_by", "octavo")
                .put("max_model_len", deployment.maxModelLength())
                .put("root", deployment.source());
    }

    private void pass(String path, Caller caller, HttpServletRequest request, HttpServletResponse response)
            throws IOException, InterruptedException {
        byte[] body = request.getInputStream().readAllBytes();
        ServedRoute route = ready(caller.tenant(), ModelName.of(body), "model");
        try (CallRoom.Place _ = room.enter(caller.tenant())) {
            proxy.pass(route.requireEndpoint(), "/v1" + path, body, caller, request, response);
        }
    }

    private ServedRoute ready(TenantId tenant, String name, @Nullable String param) {
        ServedRoute route = Optional.of(name)
                .filter(text -> NAME.matcher(text).matches()) // others are none, and may be what no database takes
                .flatMap(text -> deployments.route(tenant, text))
                .filter(found -> !found.state().isTerminal())
                .orElseThrow(() ->
                        new ServeException(404, "model_not_found", param, "no deployment has the name " + shown(name)));
        if (route.state() != DeploymentState.READY || route.endpoint() == null) {
            throw new ServeException(
                    503,
                    "model_not_ready",
                    param,
                    "deployment " + route.name() + " is " + route.state().name().toLowerCase(Locale.ROOT)
                            + "; try again once it is ready");
        }
        return route;
    }

    private static String shown(String name) {
        return name.length() > 100 ? name.substring(0, 100) + "..." : name;
    }

    private static void refuse(HttpServletResponse response, OpenAiError error) throws IOException {
        if (response.isCommitted()) {
            throw new IOException("an answer broke off: " + error.message());
        }
        response.setStatus(error.status());
        if (error.status() == 503 || error.status() == 429) {
            response.setHeader("Retry-After", RETRY_SECONDS);
        }
        answer(response, error.json());
    }

    private static void answer(HttpServletResponse response, JsonNode json) throws IOException {
        byte[] bytes = json.toString().getBytes(StandardCharsets.UTF_8);
        response.setContentType("application/json");
        response.setContentLength(bytes.length);
        response.getOutputStream().write(bytes);
    }
}
