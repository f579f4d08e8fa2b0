package io.octavo.engine.transformer;

/** Ends a text's way through a layer where its observer wants to see no more. */
final class SeenEnough extends RuntimeException {

    private static final long serialVersionUID = 1L;

    SeenEnough() {
        super(null, null, false, false);
    }
}
