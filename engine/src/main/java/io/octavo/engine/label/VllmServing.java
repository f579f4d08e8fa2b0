package io.octavo.engine.label;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * How vLLM serves a checkpoint. It finds most in the config, but takes scales of keys and values only where it is told to.
 *
 * @param command as a shell takes it; null where vLLM takes no such checkpoint
 * @param manifest the same for Kubernetes, a Deployment and its Service in YAML; null likewise
 * @param advice when it is the wrong thing to do, or why it cannot be done
 */
public record VllmServing(
        @Nullable String command, @Nullable String manifest, List<String> advice) {

    /** Kubernetes takes names of so many characters. */
    private static final int MOST_CHARACTERS = 63;

    private static final String AFFINITY = """
            \n      affinity:
                    nodeAffinity:
                      requiredDuringSchedulingIgnoredDuringExecution:
                        nodeSelectorTerms:""";

    public VllmServing {
        advice = List.copyOf(advice);
    }

    /**
     * @param folder that holds the checkpoint, relative or absolute; its last name becomes that of the model
     * @param bytes that its files have
     */
    public static VllmServing of(Label label, String folder, long bytes) {
        List<String> advice = new ArrayList<>(label.warnings().stream()
                .filter(LoaderWarnings.SLOW_IN_BATCHES::equals)
                .toList());
        String refusal = refusal(label);
        if (refusal != null) {
            advice.add("vLLM does not load it: " + refusal);
            return new VllmServing(null, null, advice);
        }
        List<String> flags = label.kvCache().isPresent() ? List.of("--kv-cache-dtype", "fp8") : List.of();
        String command = "vllm serve " + shell(folder)
                + flags.stream().map(flag -> " " + flag).collect(Collectors.joining());
        return new VllmServing(command, manifest(label, name(folder), flags, bytes), advice);
    }

    private static @Nullable String refusal(Label label) {
        if (!label.isKnown()) {
            return "its config is not understood";
        }
        if (!label.groups().isEmpty() && label.executions().stream().noneMatch(Execution::loads)) {
            return label.executions().stream()
                    .map(Execution::how)
                    .findFirst()
                    .orElse("no loader is known to run such weights");
        }
        return label.kvCache()
                .filter(cache -> !cache.type().startsWith("FP8"))
                .map(cache -> "the scales of its KV cache are of type " + cache.type() + ", and it takes FP8 alone")
                .orElse(null);
    }

    private static String manifest(Label label, String name, List<String> flags, long bytes) {
        List<String> arguments = new ArrayList<>(List.of("/models/" + name, "--served-model-name", name));
        arguments.addAll(flags);
        return """
                    # The volume behind the claim "models" holds the files of the checkpoint, %2$s, in the folder %3$s.
                    apiVersion: apps/v1
                    kind: Deployment
                    metadata:
                      name: %1$s
                    spec:
                      replicas: 1
                      selector:
                        matchLabels: {app: %1$s}
                      template:
                        metadata:
                          labels: {app: %1$s}
                        spec:%4$s
                          containers:
                            - name: vllm
                              image: vllm/vllm-openai:v0.29.0
                              command: [vllm, serve]
                              args: [%5$s]
                              ports:
                                - {name: http, containerPort: 8000}
                              startupProbe:
                                httpGet: {path: /health, port: http}
                                periodSeconds: 10
                                failureThreshold: 180
                              readinessProbe:
                                httpGet: {path: /health, port: http}
                              resources:
                                limits: {nvidia.com/gpu: 1}
                              volumeMounts:
                                - {name: models, mountPath: /models, readOnly: true}
                                - {name: shm, mountPath: /dev/shm}
                          volumes:
                            - name: models
                              persistentVolumeClaim: {claimName: models, readOnly: true}
                            - name: shm
                              emptyDir: {medium: Memory}
                    ---
                    apiVersion: v1
                    kind: Service
                    metadata:
                      name: %1$s
                    spec:
                      selector: {app: %1$s}
                      ports:
                        - {name: http, port: 80, targetPort: http}
                    """.formatted(
                        kubernetesName(name),
                        bytes < 1_000_000_000
                                ? String.format(Locale.ROOT, "%.1f MB", bytes / 1e6)
                                : String.format(Locale.ROOT, "%.1f GB", bytes / 1e9),
                        quoted(name),
                        affinity(label),
                        arguments.stream().map(VllmServing::quoted).collect(Collectors.joining(", ")));
    }

    /** To nodes whose GPUs run it, by the labels of NVIDIA's discovery; empty where all do. */
    private static String affinity(Label label) {
        if (label.executions().stream().allMatch(Execution::loads)) {
            return "";
        }
        return label.executions().stream()
                .filter(Execution::loads)
                .map(execution -> execution.gpu().substring("sm_".length()))
                .map(capability -> """
                        \n              - matchExpressions:
                                          - {key: nvidia.com/gpu.compute.major, operator: In, values: ["%s"]}
                                          - {key: nvidia.com/gpu.compute.minor, operator: In, values: ["%s"]}""".formatted(
                                capability.substring(0, capability.length() - 1),
                                capability.substring(capability.length() - 1)))
                .collect(Collectors.joining("", AFFINITY, ""));
    }

    private static String name(String folder) {
        String path = folder.endsWith("/") ? folder.substring(0, folder.length() - 1) : folder;
        String name = path.substring(path.lastIndexOf('/') + 1);
        return name.isEmpty() || name.matches("\\.+") ? "model" : name;
    }

    private static String kubernetesName(String name) {
        String usual =
                name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-").replaceAll("^-|-$", "");
        String started = usual.matches("[a-z].*") ? usual : "model-" + usual;
        return started.substring(0, Math.min(started.length(), MOST_CHARACTERS)).replaceAll("-$", "");
    }

    /** JSON's strings are YAML's, too. */
    private static String quoted(String text) {
        return JsonNodeFactory.instance.stringNode(text).toString();
    }

    private static String shell(String word) {
        return word.matches("[A-Za-z0-9._/+-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
    }
}
