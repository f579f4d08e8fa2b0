package io.octavo.standalone;

import io.octavo.jobs.identity.KeyText;
import io.octavo.standalone.embedded.EmbeddedParts;
import io.octavo.standalone.embedded.Home;
import io.octavo.standalone.embedded.SecretFile;
import io.octavo.standalone.embedded.StandaloneException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.ObjDoubleConsumer;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.Banner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.web.server.PortInUseException;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.env.MapPropertySource;

/**
 * The whole service in this process, on loopback unless told otherwise: api, worker, PostgreSQL and stored files, with all data under one home
 * folder. What was running when an earlier life of the home died is taken up again at once.
 */
public final class Standalone implements AutoCloseable {

    private final StandaloneOptions options;
    private final Home home;
    private final EmbeddedParts parts;
    private final SecretFile apiKey;
    private final SecretFile secretKey;
    private volatile @Nullable ConfigurableApplicationContext context;

    private Standalone(StandaloneOptions options, Home home) {
        this.options = options;
        this.home = home;
        this.parts = new EmbeddedParts(home);
        this.apiKey = SecretFile.in(
                home.root().resolve("api-key"), () -> KeyText.draw().reveal());
        this.secretKey = SecretFile.in(home.root().resolve("secret-key"), Standalone::randomKey);
    }

    /**
     * Returns once the service answers.
     *
     * @throws StandaloneException if it cannot run here, such as when the home is in use
     */
    public static Standalone start(StandaloneOptions options) {
        Standalone service = of(options);
        service.run((step, done) -> {});
        return service;
    }

    /**
     * Takes the home; nothing runs yet.
     *
     * @throws StandaloneException if it is in use, or the port is
     */
    static Standalone of(StandaloneOptions options) {
        ListenAddress.requireFree(options.address(), options.port());
        Home home = Home.lock(options.home());
        try {
            return new Standalone(options, home);
        } catch (RuntimeException e) {
            home.close();
            throw e;
        }
    }

    /**
     * Returns once the service answers. Another thread may close it meanwhile.
     *
     * @param progress is told what is done next, and which share has been
     */
    void run(ObjDoubleConsumer<String> progress) {
        try {
            context = application(progress).run();
        } catch (RuntimeException e) {
            close();
            throw translate(e);
        }
    }

    private SpringApplication application(ObjDoubleConsumer<String> progress) {
        SpringApplication application = new SpringApplication(StandaloneApplication.class);
        application.setBannerMode(Banner.Mode.OFF);
        application.setLogStartupInfo(false);
        application.setRegisterShutdownHook(false); // close() also stops what lies below the context, in order
        application.setDefaultProperties(settings(options, home));
        // Here and not earlier, because by now logging is set up.
        application.addInitializers(context -> {
            progress.accept("PostgreSQL", 0.1);
            parts.start();
            progress.accept("schema, api and worker", 0.4);
            context.getEnvironment()
                    .getPropertySources()
                    .addLast(new MapPropertySource("embedded parts", parts.settings()));
            context.getEnvironment().getPropertySources().addFirst(new MapPropertySource("home", secrets()));
        });
        return application;
    }

    /** Keys to rotate to are given by the operator, beside the home's own. */
    private Map<String, Object> secrets() {
        return Map.of("octavo.identity.bootstrap-key", apiKey.secret(), "octavo.secrets.keys.home", secretKey.secret());
    }

    private static String randomKey() {
        byte[] key = new byte[32];
        new SecureRandom().nextBytes(key);
        return Base64.getEncoder().encodeToString(key);
    }

    private static Map<String, Object> settings(StandaloneOptions options, Home home) {
        Map<String, Object> settings = new HashMap<>();
        settings.put("spring.application.name", "octavo");
        settings.put("server.address", options.address());
        settings.put("server.port", options.port());
        settings.put("octavo.queue.lease", "15s");
        settings.put("octavo.secrets.current", "home");
        settings.put("octavo.worker.name", "local");
        settings.put("octavo.worker.exclusive-name", true); // the home's lock sees to it
        settings.put("octavo.worker.work-directory", home.folder("work").toString());
        for (int i = 0; i < options.allowedFolders().size(); i++) { // one by one: a name may hold a comma
            settings.put(
                    "octavo.worker.allowed-folders[" + i + "]",
                    options.allowedFolders().get(i).toString());
        }
        settings.put("spring.main.lazy-initialization", true);
        settings.put(
                "logging.file.name", home.folder("logs").resolve("octavo.log").toString());
        settings.put("logging.level.root", "WARN");
        settings.put("logging.level.io.octavo", "INFO");
        settings.put("logging.level." + QuietLogging.TOKENIZERS, "ERROR");
        settings.put("logging.level.org.springdoc", "ERROR"); // warns that its document is served, as it should be
        settings.put("logging.threshold.console", "WARN");
        settings.put("logging.pattern.console", "%d{HH:mm:ss} %-5level %msg%n%ex{1}");
        settings.putAll(options.server());
        return settings;
    }

    private static RuntimeException translate(RuntimeException failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof StandaloneException known) {
                return known;
            }
            if (cause instanceof PortInUseException taken) {
                return new StandaloneException(
                        "port " + taken.getPort() + " is in use; choose another one with --port [port-in-use]",
                        failure);
            }
        }
        return failure;
    }

    /** Such as {@code http://127.0.0.1:8080}. */
    public String baseUrl() {
        var environment = Objects.requireNonNull(context, "not running").getEnvironment();
        String address = environment.getRequiredProperty("server.address");
        String host = address.equals("0.0.0.0") || address.equals("::") ? "127.0.0.1" : address;
        return (environment.containsProperty("server.ssl.bundle") ? "https://" : "http://")
                + (host.contains(":") ? "[" + host + "]" : host) + ":"
                + environment.getRequiredProperty("local.server.port");
    }

    /** The key of this home, with all scopes. */
    public String apiKey() {
        return apiKey.secret();
    }

    /** Whether the key was drawn by this start. */
    boolean isApiKeyNew() {
        return apiKey.drawn();
    }

    /** Hands running jobs back, then stops everything, be it half started. */
    @Override
    public void close() {
        ConfigurableApplicationContext running = context;
        try {
            if (running != null) {
                running.close();
            }
        } finally {
            try {
                parts.close();
            } finally {
                home.close();
            }
        }
    }
}
