package io.octavo.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** What libraries say on the console of a command. */
@Timeout(120)
class QuietLoggingTest {

    @Test
    void warningsAloneAreTold(@TempDir Path folder) throws Exception {
        try (OctavoProcess talking = OctavoProcess.start(folder.resolve("output"), Talking.class)) {
            assertThat(talking.exitCode()).isZero();
            assertThat(talking.output().lines())
                    .filteredOn(line -> !line.contains("incubator modules"))
                    .containsExactly("WARN: slow disk", "WARNING: odd certificate", "ERROR: no tokenizer");
        }
    }

    /** By both facades that libraries use. */
    static final class Talking {
        public static void main(String[] arguments) {
            QuietLogging.install();
            LoggerFactory.getLogger("org.library").debug("details");
            LoggerFactory.getLogger("org.library").info("started");
            LoggerFactory.getLogger("org.library").warn("slow disk");
            Logger jdk = Logger.getLogger("org.container");
            jdk.info("started");
            jdk.warning("odd certificate");
            LoggerFactory.getLogger("ai.djl.util.cuda.CudaUtils").warn("no GPU");
            LoggerFactory.getLogger("ai.djl.util.cuda.CudaUtils").error("no tokenizer");
        }
    }
}
