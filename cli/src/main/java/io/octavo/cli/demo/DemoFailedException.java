package io.octavo.cli.demo;

/** The service did not do what the demo asked for. */
public final class DemoFailedException extends RuntimeException {

    DemoFailedException(String message) {
        super(message);
    }
}
