package io.octavo.standalone;

import io.octavo.worker.WorkerApplication;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.springframework.boot.WebApplicationType;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        name = "worker",
        mixinStandardHelpOptions = true,
        description = "Runs a worker alone, on a PostgreSQL and an S3 store of your own.")
final class WorkerCommand implements Callable<Integer> {

    @Parameters(paramLabel = "--KEY=VALUE", description = "Settings, such as --octavo.worker.threads=8 (behind a --).")
    private List<String> settings = new ArrayList<>();

    @Override
    public Integer call() throws InterruptedException {
        return ServiceProcess.run(WorkerApplication.class, WebApplicationType.NONE, settings);
    }
}
