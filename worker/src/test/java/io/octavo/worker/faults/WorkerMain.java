package io.octavo.worker.faults;

import io.octavo.worker.WorkerConfiguration;
import io.octavo.worker.engine.EngineFactory;
import io.octavo.worker.engine.LocalEngineFactory;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;

/** A worker of the product in a process of its own; only its engine is a cheap one, unless {@code --engine=local}. */
@EnableAutoConfiguration
@Import(WorkerConfiguration.class)
class WorkerMain {

    @Bean
    @Primary
    EngineFactory engine(
            @Value("${journal}") Path journal, @Value("${full}") Path full, @Value("${engine:}") String engine) {
        Journal lines = new Journal(journal);
        lines.write("start at " + System.currentTimeMillis());
        return engine.equals("local") ? new LocalEngineFactory() : new ReversingEngine(lines, full);
    }

    /** Ends with the process that started it, however that ends. */
    public static void main(String[] args) {
        CompletableFuture<ProcessHandle> parentEnded =
                ProcessHandle.current().parent().orElseThrow().onExit();
        var _ = parentEnded.thenRun(() -> Runtime.getRuntime().halt(1));
        SpringApplication.run(WorkerMain.class, args);
    }
}
