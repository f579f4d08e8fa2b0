package io.octavo.standalone;

import io.octavo.worker.WorkerApplication;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.WebApplicationType;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "worker",
        description = "Runs a worker alone, on a PostgreSQL and an S3 store of your own.",
        footer = {"  octavo worker", "  octavo worker --device 1 -- --octavo.worker.threads=8"})
final class WorkerCommand implements Callable<Integer> {

    @Option(
            names = "--device",
            paramLabel = "N",
            description = "The GPU that this worker serves, counted from 0; start one worker for each.")
    private @Nullable Integer device;

    @Parameters(paramLabel = "--KEY=VALUE", description = "Settings, such as --octavo.worker.threads=8 (behind a --).")
    private List<String> settings = new ArrayList<>();

    @Override
    public Integer call() throws InterruptedException {
        var all = new ArrayList<>(settings);
        if (device != null) {
            all.add("--octavo.worker.device=cuda:" + device);
        }
        return ServiceProcess.run("octavo-worker", WorkerApplication.class, WebApplicationType.NONE, all);
    }
}
