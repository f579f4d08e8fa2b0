package io.octavo.api.serve;

import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.apache.catalina.connector.Connector;
import org.apache.coyote.http11.Http11NioProtocol;
import org.apache.tomcat.util.net.NioChannel;
import org.apache.tomcat.util.net.SocketWrapperBase;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.tomcat.TomcatConnectorCustomizer;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.stereotype.Component;

/** Finds the connections of clients that wait, so that one which leaves is noticed before something is written to it. */
@Component
class ClientWatch implements WebServerFactoryCustomizer<TomcatServletWebServerFactory>, TomcatConnectorCustomizer {

    private volatile @Nullable WatchedProtocol protocol;

    /** HTTP/1.1 as Tomcat speaks it; servlets see nothing of connections. Made by the server, by its name. */
    public static final class WatchedProtocol extends Http11NioProtocol {

        @Nullable SocketWrapperBase<NioChannel> find(String address, int port) {
            for (SocketWrapperBase<NioChannel> socket : getEndpoint().getConnections()) {
                if (socket.getRemotePort() == port && address.equals(socket.getRemoteAddr())) {
                    return socket;
                }
            }
            return null;
        }
    }

    @Override
    public void customize(TomcatServletWebServerFactory factory) {
        factory.setProtocol(WatchedProtocol.class.getName());
    }

    @Override
    public void customize(Connector connector) {
        if (connector.getProtocolHandler() instanceof WatchedProtocol watched) {
            protocol = watched;
        }
    }

    /** The connection that a request came by, whose body was read. One that cannot be found is never told to be gone. */
    Client of(HttpServletRequest request) {
        WatchedProtocol known = protocol;
        return new Client(
                known == null ? null : known.find(String.valueOf(request.getRemoteAddr()), request.getRemotePort()));
    }

    /** To be asked by the thread that handles the request. */
    record Client(@Nullable SocketWrapperBase<NioChannel> socket) {

        /** Does not wait. What a client sends ahead stays to be read. */
        boolean isGone() {
            if (socket == null) {
                return false;
            }
            var one = ByteBuffer.allocate(1);
            try {
                int read = socket.read(false, one);
                if (read > 0) {
                    socket.unRead(one.flip());
                }
                return read < 0;
            } catch (IOException e) {
                return true;
            }
        }
    }
}
