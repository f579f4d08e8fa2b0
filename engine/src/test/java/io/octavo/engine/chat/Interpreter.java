package io.octavo.engine.chat;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** Whether this build can render chat templates: it has their interpreter from npm. */
public final class Interpreter {

    private Interpreter() {}

    /** Skips a test where it cannot. */
    public static void assumeThere() {
        assumeTrue(ChatTemplate.class.getResource("jinja/index.cjs") != null, "built without npm");
    }
}
