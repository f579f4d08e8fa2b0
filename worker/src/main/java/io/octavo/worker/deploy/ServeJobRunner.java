package io.octavo.worker.deploy;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.scheme.Scheme;
import io.octavo.engine.serve.ServedModel;
import io.octavo.engine.serve.ServingOptions;
import io.octavo.jobs.deployment.DeploymentWork;
import io.octavo.jobs.deployment.ServedEndpoint;
import io.octavo.jobs.queue.JobQueue;
import io.octavo.jobs.spec.ServeSpec;
import io.octavo.worker.attempt.Attempt;
import io.octavo.worker.attempt.JobScratch;
import io.octavo.worker.engine.DeviceProperties;
import io.octavo.worker.engine.EngineFactory;
import io.octavo.worker.serve.ModelServer;
import io.octavo.worker.serve.ServeSettings;
import io.octavo.worker.serve.WarmUp;
import io.octavo.worker.source.ResolvedSource;
import io.octavo.worker.source.SourceResolver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * Fetches and loads a model, answers calls until somebody stops the job or the deployment's time is up, and then completes it.
 * Calls must show a secret that each attempt draws, and which the service alone is told.
 */
@Component
public class ServeJobRunner {

    private static final Logger LOG = LoggerFactory.getLogger(ServeJobRunner.class);
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final int SECRET_BYTES = 32;
    private static final double FETCHED = 0.9;

    private final SourceResolver sources;
    private final EngineFactory engines;
    private final DeploymentWork deployments;
    private final JobQueue queue;
    private final DeviceProperties device;
    private final ServeProperties properties;

    ServeJobRunner(
            SourceResolver sources,
            EngineFactory engines,
            DeploymentWork deployments,
            JobQueue queue,
            DeviceProperties device,
            ServeProperties properties) {
        this.sources = sources;
        this.engines = engines;
        this.deployments = deployments;
        this.queue = queue;
        this.device = device;
        this.properties = properties;
    }

    /** @return the commit, once nobody wants the model any more */
    public Runnable run(ServeSpec spec, Attempt attempt, JobScratch scratch) {
        if (deployments
                .timeLeft(attempt.lease())
                .filter(left -> !left.isPositive())
                .isPresent()) {
            return complete(attempt, ServedTime.TTL);
        }
        attempt.phase("fetch");
        ResolvedSource source = sources.checkpoint(
                attempt.tenant(), spec.source(), scratch.folder("source"), attempt.section(0, FETCHED));
        attempt.phase("load");
        attempt.log("loading " + source.uri());
        try (ServedModel model = engines.serve(
                device.asWanted(spec.device()), source.folder(), options(spec), attempt.section(FETCHED, 1))) {
            return complete(attempt, serve(model, spec, attempt));
        }
    }

    private Runnable complete(Attempt attempt, String reason) {
        return () -> queue.complete(
                attempt.lease(), JsonNodeFactory.instance.objectNode().put("stopped", reason));
    }

    /** @return why it is over */
    private String serve(ServedModel model, ServeSpec spec, Attempt attempt) {
        byte[] drawn = new byte[SECRET_BYTES];
        RANDOM.nextBytes(drawn);
        String secret = HexFormat.of().formatHex(drawn);
        var settings = new ServeSettings(
                        spec.servedName(), properties.bind(), 0, secret, ServeSettings.PATIENCE, LOG::debug)
                .behindService(spec.repository().map(Set::of).orElse(Set.of()));
        try (ModelServer server = ModelServer.start(model, settings)) {
            WarmUp.begin(model);
            Optional<Duration> left = deployments.ready(attempt.lease(), endpoint(server, secret, model));
            attempt.phase("serve");
            attempt.log("answers calls of up to " + model.limits().maxModelLength() + " tokens"
                    + (model.limits().maxModelLength() < model.limits().fullLength()
                            ? ", since the cache holds no more of the "
                                    + model.limits().fullLength() + " that a text could have"
                            : ""));
            return last(model, attempt, new ServedTime(left, spec.idle()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private ServedEndpoint endpoint(ModelServer server, String secret, ServedModel model) {
        String host = properties.host();
        return new ServedEndpoint(
                "http://" + (host.contains(":") ? "[" + host + "]" : host) + ":"
                        + server.uri().getPort(),
                secret,
                model.limits().maxModelLength());
    }

    private String last(ServedModel model, Attempt attempt, ServedTime time) {
        var reports = new HealthReports(deployments, queue, attempt, properties.report());
        while (true) {
            if (!model.health().alive()) {
                throw new QuantizationException(ErrorCode.DEVICE_FAULT, "the device that serves the model is lost");
            }
            time.look(model.health());
            Optional<String> over = time.over();
            if (over.isPresent()) {
                return over.get();
            }
            reports.tell(model.health(), time.unused());
            attempt.pause(ServedTime.LOOK);
        }
    }

    private static ServingOptions options(ServeSpec spec) {
        ServingOptions options = ServingOptions.of(
                spec.maxModelLength(),
                spec.maxSequences(),
                spec.kvCacheMebibytes() == null ? null : (long) spec.kvCacheMebibytes() << 20,
                spec.kvCache());
        return spec.onlineQuantization() == null ? options : options.rounding(Scheme.named(spec.onlineQuantization()));
    }
}
