package io.octavo.engine.request;

import java.nio.file.Path;
import java.util.List;

/**
 * @param source folder of a checkpoint, quantized or not
 */
public record EvaluationRequest(Path source, List<EvaluationTask> tasks) {

    public EvaluationRequest {
        tasks = List.copyOf(tasks);
    }
}
