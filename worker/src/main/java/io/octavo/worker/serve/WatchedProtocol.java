package io.octavo.worker.serve;

import jakarta.servlet.ServletRequest;
import java.util.Optional;
import org.apache.coyote.http11.Http11NioProtocol;
import org.apache.tomcat.util.net.NioChannel;
import org.apache.tomcat.util.net.SocketWrapperBase;

/** HTTP/1.1 as Tomcat speaks it, whose connections can be looked at while requests wait: servlets see none of them. */
final class WatchedProtocol extends Http11NioProtocol {

    /** @return empty if it is closed */
    Optional<ClientConnection> connection(ServletRequest request) {
        for (SocketWrapperBase<NioChannel> socket : getEndpoint().getConnections()) {
            if (socket.getRemotePort() == request.getRemotePort()
                    && request.getRemoteAddr().equals(socket.getRemoteAddr())) {
                return Optional.of(new ClientConnection(socket));
            }
        }
        return Optional.empty();
    }
}
