package io.octavo.worker.claim;

import org.springframework.boot.SpringApplication;
import org.springframework.context.ApplicationContext;

/** Stops the application, then the virtual machine. */
public final class ApplicationEnd implements ProcessEnd {

    private final ApplicationContext application;

    public ApplicationEnd(ApplicationContext application) {
        this.application = application;
    }

    /** In a thread of its own, since stopping waits for the worker's. */
    @Override
    public void end(int exitCode) {
        Thread.ofPlatform()
                .name("worker-end")
                .start(() -> System.exit(SpringApplication.exit(application, () -> exitCode)));
    }
}
