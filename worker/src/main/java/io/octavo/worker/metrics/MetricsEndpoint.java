package io.octavo.worker.metrics;

import io.micrometer.core.instrument.Metrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.prometheus.metrics.exporter.httpserver.HTTPServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/**
 * Answers {@code GET /metrics} with the meters of this process as Prometheus reads them, where a port is set.
 *
 * <p>It asks for no key: meters name no tenant, and who may reach the port is the operator's to decide.
 */
@Component
public class MetricsEndpoint implements SmartLifecycle {

    private static final Logger LOG = LoggerFactory.getLogger(MetricsEndpoint.class);

    private final MetricsProperties properties;
    private @Nullable Listening listening;

    private record Listening(HTTPServer server, PrometheusMeterRegistry registry) {}

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
        try {
            HTTPServer server = HTTPServer.builder()
                    .hostname(properties.address())
                    .port(port)
                    .registry(registry.getPrometheusRegistry())
                    .registerHealthHandler(false)
                    .buildAndStart();
            listening = new Listening(server, registry);
        } catch (IOException e) {
            String address = properties.address() + ":" + port;
            throw new UncheckedIOException("octavo.worker.metrics cannot listen at " + address, e);
        }
        Metrics.addRegistry(registry);
        LOG.info("Metrics at http://{}:{}/metrics", properties.address(), port());
    }

    /** Where it listens; -1 if it does not. */
    public synchronized int port() {
        return listening == null ? -1 : listening.server.getPort();
    }

    @Override
    public synchronized void stop() {
        if (listening != null) {
            listening.server.close();
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
