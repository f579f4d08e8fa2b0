package io.octavo.cli.client;

/** The server answered with success, but not as the contract says: it may be another service, or another version. */
public final class UnexpectedAnswerException extends RuntimeException {

    UnexpectedAnswerException(String why) {
        super("the server's answer is not what this version of octavo expects: "
                + why.lines().findFirst().orElse(""));
    }
}
