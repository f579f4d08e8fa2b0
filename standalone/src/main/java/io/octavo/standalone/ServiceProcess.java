package io.octavo.standalone;

import io.octavo.cli.command.ProcessEnd;
import java.util.List;
import java.util.Map;
import org.springframework.boot.Banner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;

/** One service as a process of its own; a signal stops it in order. */
final class ServiceProcess {

    private ServiceProcess() {}

    /** Never returns once the service is up. */
    static int run(String name, Class<?> application, WebApplicationType type, List<String> settings)
            throws InterruptedException {
        var service = new SpringApplication(application);
        // The class path holds every module, so what kind of process this is cannot be told from it.
        service.setWebApplicationType(type);
        // The name is that of spans and log lines.
        service.setDefaultProperties(
                Map.of("spring.application.name", name, "logging.level." + QuietLogging.TOKENIZERS, "ERROR"));
        service.setBannerMode(Banner.Mode.OFF);
        service.run(settings.toArray(String[]::new));
        ProcessEnd.awaitSignal();
        return 0;
    }
}
