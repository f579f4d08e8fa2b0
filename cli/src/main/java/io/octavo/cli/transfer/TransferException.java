package io.octavo.cli.transfer;

/** A folder could not be moved as it is: a hash differs, a path is refused, or a file changed meanwhile. */
public final class TransferException extends RuntimeException {

    TransferException(String message) {
        super(message);
    }
}
