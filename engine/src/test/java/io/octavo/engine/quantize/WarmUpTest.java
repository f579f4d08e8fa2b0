package io.octavo.engine.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.failure.JobCancelledException;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WarmUpTest {

    @TempDir
    Path folder;

    @Test
    void takesTheWholePathOfAJob() {
        RecordingMonitor monitor = RecordingMonitor.patient();
        warmUp(monitor);
        assertThat(monitor.phases.subList(0, 4)).isEqualTo(List.of("plan", "quantize", "verify", "publish"));
        try (Checkpoint written = Checkpoint.open(folder.resolve("target-0"))) {
            assertThat(written.names()).contains("model.layers.1.mlp.down_proj.weight_scale");
        }
    }

    @Test
    void givesWayAtACheckpoint() {
        assertThatThrownBy(() -> warmUp(RecordingMonitor.cancellingIn("quantize")))
                .isInstanceOf(JobCancelledException.class);
    }

    private void warmUp(RecordingMonitor monitor) {
        try (Backend backend = Backends.open("cpu", 2)) {
            WarmUp.run(new Quantizer(backend, 2), folder, monitor);
        }
    }
}
