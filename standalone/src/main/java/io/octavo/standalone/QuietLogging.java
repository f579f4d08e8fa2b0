package io.octavo.standalone;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.spi.ContextAwareBase;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.logging.LogManager;

/**
 * What libraries have to say on the console of a command: warnings, a line each. Services set up their own logging over
 * it. Found by {@code ServiceLoader} and, for java.util.logging, by a system property.
 */
public final class QuietLogging extends ContextAwareBase implements Configurator {

    /** Warns of GPUs, on which it does not run. */
    static final String TOKENIZERS = "ai.djl";

    private static final String JDK_CONFIGURATION = "java.util.logging.config.class";

    /** For the logging of the JDK, which is set up when something first asks for it. */
    static void install() {
        if (System.getProperty(JDK_CONFIGURATION) == null
                && System.getProperty("java.util.logging.config.file") == null) {
            System.setProperty(JDK_CONFIGURATION, Jdk.class.getName());
        }
    }

    @Override
    public ExecutionStatus configure(LoggerContext context) {
        var line = new PatternLayoutEncoder();
        line.setContext(context);
        line.setPattern("%level: %msg%n");
        line.start();
        var console = new ConsoleAppender<ILoggingEvent>();
        console.setContext(context);
        console.setTarget("System.err");
        console.setEncoder(line);
        console.start();
        var root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        root.setLevel(Level.WARN);
        root.addAppender(console);
        context.getLogger(TOKENIZERS).setLevel(Level.ERROR);
        return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
    }

    /** Made by the JDK, with nothing but its name known. */
    public static final class Jdk {

        public Jdk() throws IOException {
            LogManager.getLogManager()
                    .readConfiguration(new ByteArrayInputStream("""
                            handlers=java.util.logging.ConsoleHandler
                            .level=WARNING
                            java.util.logging.ConsoleHandler.formatter=java.util.logging.SimpleFormatter
                            java.util.logging.SimpleFormatter.format=%4$s: %5$s%n
                            """.getBytes(StandardCharsets.ISO_8859_1)));
        }
    }
}
