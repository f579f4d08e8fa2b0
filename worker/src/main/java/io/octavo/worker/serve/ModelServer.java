package io.octavo.worker.serve;

import io.octavo.engine.serve.ServedModel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.catalina.Context;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.core.StandardHost;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.buf.EncodedSolidusHandling;
import org.apache.tomcat.util.modeler.Registry;
import org.springframework.util.FileSystemUtils;

/**
 * A model served over HTTP until it is closed. Each call has a virtual thread.
 *
 * <p>The model is borrowed: whoever opened it closes it, after this.
 */
public final class ModelServer implements AutoCloseable {

    private static final int CONNECTIONS = 4096;

    private final Tomcat tomcat;
    private final Path folder;
    private final ExecutorService threads;
    private final String address;

    private ModelServer(Tomcat tomcat, Path folder, ExecutorService threads, String address) {
        this.tomcat = tomcat;
        this.folder = folder;
        this.threads = threads;
        this.address = address;
    }

    /**
     * Returns once calls are taken.
     *
     * @throws IOException if the address or port cannot be listened at
     */
    public static ModelServer start(ServedModel model, ServeSettings settings) throws IOException {
        Registry.disableRegistry();
        Path folder = Files.createTempDirectory("octavo-serve");
        var tomcat = new Tomcat();
        tomcat.setBaseDir(folder.toString());
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        WatchedProtocol protocol = protocol(settings, threads);
        tomcat.setConnector(connector(protocol, settings.port()));
        ((StandardHost) tomcat.getHost()).setErrorReportValveClass(JsonErrorValve.class.getName());
        Context context = tomcat.addContext("", folder.toString());
        var meters = new ServeMeters(model);
        var calls = new ServedCalls(model, settings.name(), meters);
        Tomcat.addServlet(context, "openai", new OpenAiServlet(calls, meters, settings, protocol))
                .addMapping("/*");
        var server = new ModelServer(tomcat, folder, threads, settings.address());
        try {
            tomcat.start();
        } catch (LifecycleException e) {
            server.close();
            throw new IOException("cannot listen on port " + settings.port() + " of " + settings.address(), e);
        }
        return server;
    }

    private static WatchedProtocol protocol(ServeSettings settings, ExecutorService threads) throws IOException {
        var protocol = new WatchedProtocol();
        protocol.setAddress(InetAddress.getByName(settings.address()));
        protocol.setExecutor(threads);
        protocol.setMaxConnections(CONNECTIONS);
        // For the head of a request, for each piece of its body, and for each write.
        int patience = Math.toIntExact(settings.patience().toMillis());
        protocol.setConnectionTimeout(patience);
        protocol.setDisableUploadTimeout(false);
        protocol.setConnectionUploadTimeout(patience);
        return protocol;
    }

    private static Connector connector(WatchedProtocol protocol, int port) {
        var connector = new Connector(protocol);
        connector.setPort(port);
        connector.setThrowOnFailure(true);
        connector.setXpoweredBy(false);
        // Names of models hold slashes, and clients encode them.
        connector.setEncodedSolidusHandling(EncodedSolidusHandling.DECODE.getValue());
        return connector;
    }

    /** Such as {@code http://127.0.0.1:8000}. */
    public URI uri() {
        String host = address.equals("0.0.0.0") || address.equals("::") ? "127.0.0.1" : address;
        return URI.create("http://" + (host.contains(":") ? "[" + host + "]" : host) + ":"
                + tomcat.getConnector().getLocalPort());
    }

    /** Cuts calls off that are still answered. Idempotent. */
    @Override
    public void close() {
        try {
            threads.shutdownNow();
            tomcat.stop();
            tomcat.destroy();
            FileSystemUtils.deleteRecursively(folder);
        } catch (LifecycleException | IOException e) {
            throw new IllegalStateException("the server did not stop in order", e);
        }
    }
}
