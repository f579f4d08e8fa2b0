package io.octavo.worker;

import io.octavo.engine.Engine;
import io.octavo.engine.benchmark.BenchmarkRequest;
import io.octavo.engine.benchmark.BenchmarkResult;
import io.octavo.engine.checkpoint.CheckpointFiles;
import io.octavo.engine.plan.PlanReport;
import io.octavo.engine.request.EngineOptions;
import io.octavo.engine.request.JobJournal;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.QuantizationResult;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.serve.ServedModel;
import io.octavo.engine.serve.ServingOptions;
import io.octavo.jobs.spec.SchemeInfo;
import io.octavo.worker.engine.EngineFactory;
import io.octavo.worker.engine.LocalEngineFactory;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;

/**
 * A worker with the real engine whose thread stands still once it has kept so many files, as a dead one's does as far as others
 * can tell. What it does when it is woken, it does as an attempt that was overtaken.
 */
final class DyingWorker implements AutoCloseable {

    private final ConfigurableApplicationContext application;
    private final CountDownLatch dead = new CountDownLatch(1);
    private final CountDownLatch woken = new CountDownLatch(1);

    @EnableAutoConfiguration
    @Import(WorkerConfiguration.class)
    static class Application {
        @Bean
        @Primary
        EngineFactory engine(IntConsumer whenKept) {
            return new Factory(whenKept);
        }
    }

    /**
     * @param settings of the database, the store and the folder
     * @param files that it keeps before it dies
     */
    DyingWorker(Map<String, Object> settings, int files) {
        IntConsumer whenKept = kept -> {
            if (kept == files) {
                dead.countDown();
                awaitUninterruptibly(woken);
            }
        };
        application = new SpringApplicationBuilder(Application.class)
                .initializers(context -> context.getBeanFactory().registerSingleton("whenKept", whenKept))
                .properties(settings)
                .run();
    }

    ConfigurableApplicationContext application() {
        return application;
    }

    boolean isDead() {
        return dead.getCount() == 0;
    }

    @Override
    public void close() {
        woken.countDown();
        application.close();
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        while (true) {
            try {
                latch.await();
                return;
            } catch (InterruptedException e) {
                // The dead do not listen.
            }
        }
    }

    private record Factory(IntConsumer whenKept) implements EngineFactory {

        private static final EngineFactory LOCAL = new LocalEngineFactory();

        @Override
        public Engine open(EngineOptions options) {
            Engine engine = LOCAL.open(options);
            return (Engine) Proxy.newProxyInstance(
                    Engine.class.getClassLoader(), new Class<?>[] {Engine.class}, (proxy, method, arguments) -> {
                        if (method.getName().equals("quantize")) {
                            return quantize(engine, (QuantizationRequest) arguments[0], (JobMonitor) arguments[1]);
                        }
                        try {
                            return method.invoke(engine, arguments);
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                    });
        }

        private QuantizationResult quantize(Engine engine, QuantizationRequest request, JobMonitor monitor) {
            return engine.quantize(
                    request.withJournal(new Watched(request.journal().orElseThrow(), whenKept, new AtomicInteger())),
                    monitor);
        }

        @Override
        public BenchmarkResult benchmark(EngineOptions options, BenchmarkRequest request, JobMonitor monitor) {
            throw new UnsupportedOperationException("no test needs it");
        }

        @Override
        public ServedModel serve(EngineOptions options, Path source, ServingOptions serving, JobMonitor monitor) {
            return LOCAL.serve(options, source, serving, monitor);
        }

        @Override
        public PlanReport plan(CheckpointFiles source, Recipe recipe) {
            return LOCAL.plan(source, recipe);
        }

        @Override
        public List<SchemeInfo> schemes() {
            return LOCAL.schemes();
        }

        @Override
        public List<String> layouts() {
            return LOCAL.layouts();
        }

        @Override
        public String version() {
            return LOCAL.version();
        }
    }

    private record Watched(JobJournal journal, IntConsumer whenKept, AtomicInteger kept) implements JobJournal {

        @Override
        public Optional<Path> find(String name) {
            return journal.find(name);
        }

        @Override
        public Path keep(String name, Consumer<Path> write) {
            Path file = journal.keep(name, write);
            whenKept.accept(kept.incrementAndGet());
            return file;
        }
    }
}
