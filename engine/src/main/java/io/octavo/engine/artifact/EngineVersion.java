package io.octavo.engine.artifact;

import io.octavo.kernels.backend.Backend;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Which engine this is. */
public final class EngineVersion {

    private static final int BUILD_DIGITS = 12;

    private EngineVersion() {}

    /** The release, such as {@code 0.1.0-SNAPSHOT}. */
    public static String release() {
        try (InputStream in = EngineVersion.class.getResourceAsStream("/io/octavo/engine/engine.properties")) {
            if (in == null) {
                throw new IllegalStateException("engine.properties is missing from the engine's jar");
            }
            var properties = new Properties();
            properties.load(in);
            return properties.getProperty("version");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * The release and a hash of the code of engine and kernels, so that two builds of one release that differ in a byte
     * have different names.
     */
    public static String build() {
        return Build.NAME;
    }

    private static final class Build {

        private static final String NAME = release() + "+" + code().substring(0, BUILD_DIGITS);

        private static String code() {
            try {
                MessageDigest digest = MessageDigest.getInstance("SHA-256");
                for (Class<?> type : List.<Class<?>>of(EngineVersion.class, Backend.class)) {
                    addCode(
                            Path.of(type.getProtectionDomain()
                                    .getCodeSource()
                                    .getLocation()
                                    .toURI()),
                            digest);
                }
                return HexFormat.of().formatHex(digest.digest());
            } catch (NoSuchAlgorithmException | URISyntaxException e) {
                throw new IllegalStateException("the engine's code cannot be read", e);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private static void addCode(Path place, MessageDigest digest) throws IOException {
            if (Files.isDirectory(place)) {
                addFiles(place, digest);
            } else {
                try (FileSystem jar = FileSystems.newFileSystem(place)) {
                    addFiles(jar.getPath("/"), digest);
                }
            }
        }

        /** What a jar adds to the classes (its manifest) is not the engine's. */
        private static void addFiles(Path root, MessageDigest digest) throws IOException {
            Map<String, Path> files = new TreeMap<>();
            try (Stream<Path> found = Files.walk(root)) {
                found.filter(Files::isRegularFile)
                        .forEach(file -> files.put(root.relativize(file).toString(), file));
            }
            for (Map.Entry<String, Path> file : files.entrySet()) {
                if (!file.getKey().startsWith("META-INF")) {
                    digest.update((file.getKey() + "\0").getBytes(StandardCharsets.UTF_8));
                    digest.update(Files.readAllBytes(file.getValue()));
                }
            }
        }
    }
}
