package io.octavo.standalone;

import io.octavo.cli.command.UsageException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.ssl.pem.PemContent;
import picocli.CommandLine.Option;

/** Where a service listens, and by which certificate. */
final class ListenOptions {

    private static final String BUNDLE = "spring.ssl.bundle.pem.octavo.";

    @Option(
            names = "--bind",
            paramLabel = "ADDRESS",
            description = "The address to listen on, 0.0.0.0 for all. Default: 127.0.0.1 for up, all for api.")
    private @Nullable String address;

    @Option(
            names = "--tls-cert",
            paramLabel = "FILE",
            description = "Speaks https by this certificate: PEM, those that signed it behind it. A new one in its"
                    + " place is taken up.")
    private @Nullable Path certificate;

    @Option(names = "--tls-key", paramLabel = "FILE", description = "The certificate's private key: PEM, PKCS#8.")
    private @Nullable Path key;

    /** As settings of the server. */
    Map<String, Object> settings() {
        Map<String, Object> settings = new HashMap<>();
        if (address != null) {
            settings.put("server.address", address);
        }
        if (certificate != null && key != null) {
            requireReadable(certificate, key);
            settings.put("server.ssl.bundle", "octavo");
            settings.put(BUNDLE + "reload-on-update", true);
            settings.put(BUNDLE + "keystore.certificate", certificate.toUri().toString());
            settings.put(BUNDLE + "keystore.private-key", key.toUri().toString());
        } else if (certificate != null || key != null) {
            throw new UsageException("--tls-cert and --tls-key go together");
        }
        return settings;
    }

    private static void requireReadable(Path certificate, Path key) {
        try {
            if (PemContent.load(certificate).getCertificates().isEmpty()) {
                throw new UsageException("--tls-cert: " + certificate + " holds no certificate");
            }
            if (PemContent.load(key).getPrivateKey() == null) {
                throw new UsageException("--tls-key: " + key + " holds no private key");
            }
        } catch (IOException | IllegalStateException e) {
            throw new UsageException("--tls-cert, --tls-key: " + certificate + " and " + key
                    + " cannot be read as PEM: " + e.getMessage());
        }
    }
}
