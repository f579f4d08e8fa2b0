package io.octavo.worker.serve;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.apache.tomcat.util.net.NioChannel;
import org.apache.tomcat.util.net.SocketWrapperBase;

/**
 * Tells whether a client is still there while nothing is written to it. To be asked by the thread that handles the request,
 * once the body was read.
 */
final class ClientConnection {

    private final SocketWrapperBase<NioChannel> socket;

    ClientConnection(SocketWrapperBase<NioChannel> socket) {
        this.socket = socket;
    }

    /** Does not wait. What a client sends ahead, such as its next request, stays to be read. */
    boolean isClosed() {
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
