package io.octavo.cli.command;

import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.client.TrustedCertificates;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.Map;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** Which server to talk to, and with which key. */
public final class ServerOptions {

    private static final String DEFAULT_SERVER = "http://127.0.0.1:8080";

    @Option(
            names = "--server",
            paramLabel = "URL",
            scope = ScopeType.INHERIT,
            description = "The service to talk to. Default: $OCTAVO_SERVER, else " + DEFAULT_SERVER + ".")
    private @Nullable String server;

    @Option(
            names = "--home",
            paramLabel = "DIR",
            scope = ScopeType.INHERIT,
            description = "Home of a local service, whose api-key file is used where $OCTAVO_API_KEY is not set."
                    + " Default: ./.octavo.")
    private Path home = Path.of(".octavo");

    @Option(
            names = "--ca",
            paramLabel = "FILE",
            scope = ScopeType.INHERIT,
            description = "Certificates, in PEM, that an https service's own must lead to. Default: $OCTAVO_CA, else"
                    + " those that the JVM trusts.")
    private @Nullable Path authorities;

    /**
     * Whoever connects closes.
     *
     * @param environment the process's environment variables
     */
    public OctavoClient connect(Map<String, String> environment) throws IOException {
        URI uri = serverUri(environment);
        return new OctavoClient(uri, apiKey(environment, uri), trust(environment));
    }

    private Optional<SSLContext> trust(Map<String, String> environment) throws IOException {
        String given = environment.getOrDefault("OCTAVO_CA", "");
        Path file = authorities != null || given.isEmpty() ? authorities : Path.of(given);
        try {
            return file == null ? Optional.empty() : Optional.of(TrustedCertificates.of(file));
        } catch (GeneralSecurityException e) {
            throw new UsageException("--ca: " + file + " cannot be read as certificates: " + e.getMessage());
        }
    }

    private URI serverUri(Map<String, String> environment) {
        String text = server != null ? server : environment.getOrDefault("OCTAVO_SERVER", DEFAULT_SERVER);
        try {
            URI uri = new URI(text);
            boolean http = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
            if (http && uri.getHost() != null && uri.getUserInfo() == null) {
                return uri;
            }
        } catch (URISyntaxException e) {
            throw new UsageException("--server: '" + text + "' is not a URL: " + e.getReason());
        }
        throw new UsageException("--server: '" + text + "' is not of the form http://host:port");
    }

    /** A local service's own key never travels to another machine. */
    private Optional<String> apiKey(Map<String, String> environment, URI uri) throws IOException {
        String given = environment.getOrDefault("OCTAVO_API_KEY", "").strip();
        if (!given.isEmpty()) {
            return Optional.of(given);
        }
        Path file = home.resolve("api-key");
        if (!Files.isRegularFile(file) || !InetAddress.getByName(uri.getHost()).isLoopbackAddress()) {
            return Optional.empty();
        }
        return Optional.of(Files.readString(file).strip()).filter(key -> !key.isEmpty());
    }
}
