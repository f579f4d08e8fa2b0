package io.octavo.jobs.testing;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.context.ApplicationContextInitializer;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.env.MapPropertySource;
import org.springframework.test.context.DynamicPropertyRegistry;

/** One PostgreSQL and one S3 server a JVM; each application context gets a database of its own. */
public final class EmbeddedServices implements ApplicationContextInitializer<ConfigurableApplicationContext> {

    private static final AtomicInteger DATABASES = new AtomicInteger();

    /** As {@link #register}. */
    @Override
    public void initialize(ConfigurableApplicationContext context) {
        Map<String, Object> settings = new HashMap<>();
        register((name, value) -> settings.put(name, value.get()));
        context.getEnvironment().getPropertySources().addFirst(new MapPropertySource("embedded services", settings));
    }

    /** Settings for an application on a fresh database and on the shared S3 server. */
    public static void register(DynamicPropertyRegistry registry) {
        String url = newDatabase();
        registry.add("octavo.database.url", () -> url);
        registerStorage(registry);
    }

    /** Settings for an application on the shared S3 server. */
    public static void registerStorage(DynamicPropertyRegistry registry) {
        registry.add("octavo.storage.endpoint", () -> s3().endpoint());
        registry.add("octavo.storage.access-key", () -> EmbeddedS3.ACCESS_KEY);
        registry.add("octavo.storage.secret-key", () -> EmbeddedS3.SECRET_KEY);
    }

    /**
     * The same for an application that is started by hand.
     *
     * @param url of its database
     */
    public static Map<String, String> settings(String url) {
        Map<String, String> settings = new HashMap<>();
        registerStorage((name, value) -> settings.put(name, String.valueOf(value.get())));
        settings.put("octavo.database.url", url);
        return settings;
    }

    public static EmbeddedS3 s3() {
        return S3Holder.SERVER;
    }

    /** JDBC URL of a new, empty database. */
    public static String newDatabase() {
        String name = "test" + DATABASES.incrementAndGet();
        try (Connection connection = PostgresHolder.SERVER.getPostgresDatabase().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("create database " + name);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
        return PostgresHolder.SERVER.getJdbcUrl("postgres", name);
    }

    private static final class PostgresHolder {
        static final EmbeddedPostgres SERVER = start();

        private static EmbeddedPostgres start() {
            try {
                return EmbeddedPostgres.builder()
                        .setLocaleConfig("locale-provider", "builtin")
                        .setLocaleConfig("builtin-locale", "C.UTF-8")
                        .setLocaleConfig("locale", "C")
                        .start();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private static final class S3Holder {
        static final EmbeddedS3 SERVER = start();

        private static EmbeddedS3 start() {
            try {
                Path folder = Files.createTempDirectory("octavo-s3-");
                EmbeddedS3 server = new EmbeddedS3(folder);
                server.start();
                Runtime.getRuntime().addShutdownHook(new Thread(server::remove));
                return server;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
