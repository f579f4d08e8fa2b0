package io.octavo.worker.metrics;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.micrometer.core.instrument.Metrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/**
 * Answers {@code GET /metrics} with the meters of this process in Prometheus's text format, where a port is set.
 *
 * <p>It asks for no key: meters name no tenant, and who may reach the port is the operator's to decide.
 */
@Component
public class MetricsEndpoint implements SmartLifecycle {

    private static final Logger LOG = LoggerFactory.getLogger(MetricsEndpoint.class);
    private static final String PATH = "/metrics";
    private static final String TEXT = "text/plain; version=0.0.4; charset=utf-8";

    private final MetricsProperties properties;
    private @Nullable Listening listening;

    private record Listening(HttpServer server, ExecutorService threads, PrometheusMeterRegistry registry) {}

    MetricsEndpoint(MetricsProperties properties) {
        this.properties = properties;
    }

    @Override
    public synchronized void start() {
        Integer port = properties.port();
        if (port == null || listening != null) {
            return;
        }
        var registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        HttpServer server = bind(new InetSocketAddress(properties.address(), port));
        server.createContext(PATH, exchange -> answer(exchange, registry));
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        server.setExecutor(threads);
        Metrics.addRegistry(registry);
        server.start();
        listening = new Listening(server, threads, registry);
        LOG.info("Metrics at http://{}:{}{}", properties.address(), port(), PATH);
    }

    private static HttpServer bind(InetSocketAddress address) {
        try {
            return HttpServer.create(address, 0);
        } catch (IOException e) {
            throw new UncheckedIOException("octavo.worker.metrics cannot listen at " + address, e);
        }
    }

    private static void answer(HttpExchange exchange, PrometheusMeterRegistry registry) throws IOException {
        try (exchange) {
            if (!exchange.getRequestURI().getPath().equals(PATH)) {
                exchange.sendResponseHeaders(404, -1);
            } else if (!exchange.getRequestMethod().equals("GET")) {
                exchange.getResponseHeaders().set("Allow", "GET");
                exchange.sendResponseHeaders(405, -1);
            } else {
                byte[] body = registry.scrape(TEXT).getBytes(StandardCharsets.UTF_8);
                exchange.getResponseHeaders().set("Content-Type", TEXT);
                exchange.sendResponseHeaders(200, body.length);
                exchange.getResponseBody().write(body);
            }
        }
    }

    /** Where it listens; -1 if it does not. */
    public synchronized int port() {
        return listening == null ? -1 : listening.server.getAddress().getPort();
    }

    @Override
    public synchronized void stop() {
        if (listening != null) {
            listening.server.stop(0);
            listening.threads.shutdownNow();
            Metrics.removeRegistry(listening.registry);
            listening.registry.close();
            listening = null;
        }
    }

    @Override
    public synchronized boolean isRunning() {
        return listening != null;
    }
}
