package io.octavo.jobs.outgoing;

import java.net.UnknownHostException;

/** A host leads somewhere that users may not reach through this service. Nothing was sent. */
public final class AddressNotAllowedException extends UnknownHostException {

    private static final long serialVersionUID = 1L;

    AddressNotAllowedException(String host) {
        super(host + " does not lead to the public internet");
    }
}
