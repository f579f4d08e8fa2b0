package io.octavo.kernels.benchmark;

import java.util.Collection;
import java.util.Locale;
import java.util.stream.Stream;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/**
 * Runs the benchmarks and prints one line each: time of a call, and GFLOP/s or GB/s.
 *
 * <pre>
 *   mvn -q -pl kernels test-compile dependency:build-classpath -Dmdep.outputFile=target/test.classpath
 *   java -cp kernels/target/classes:kernels/target/test-classes:$(cat kernels/target/test.classpath) \
 *     --add-modules jdk.incubator.vector io.octavo.kernels.benchmark.KernelBenchmarks [JMH's options]
 * </pre>
 */
public final class KernelBenchmarks {

    private KernelBenchmarks() {}

    public static void main(String[] args) throws RunnerException, CommandLineOptionException {
        var options = new OptionsBuilder()
                .parent(new CommandLineOptions(args))
                .forks(1)
                .warmupIterations(3)
                .warmupTime(TimeValue.seconds(1))
                .measurementIterations(5)
                .measurementTime(TimeValue.seconds(1))
                .jvmArgs(
                        "--add-modules=jdk.incubator.vector",
                        "--enable-native-access=ALL-UNNAMED",
                        "-Djdk.incubator.vector.VECTOR_ACCESS_OOB_CHECK=0",
                        "-XX:MaxDirectMemorySize=2g")
                .build();
        Collection<RunResult> results = new Runner(options).run();
        for (RunResult result : results) {
            System.out.println(line(result));
        }
    }

    private static String line(RunResult result) {
        BenchmarkParams parameters = result.getParams();
        String name = parameters.getBenchmark().replace(KernelBenchmarks.class.getPackageName() + ".", "");
        double milliseconds = result.getPrimaryResult().getStatistics().getPercentile(50);
        StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%-44s", name));
        for (String key : parameters.getParamsKeys()) {
            line.append(' ').append(key).append('=').append(parameters.getParam(key));
        }
        Work work = work(name, parameters);
        return line.append(String.format(
                        Locale.ROOT,
                        "  %.3f ms  %.1f %s",
                        milliseconds,
                        work.amount() / milliseconds / 1e6,
                        work.unit()))
                .toString();
    }

    /** What one call does: {@code amount} of floating-point operations or bytes. */
    record Work(double amount, String unit) {

        static Work operations(double count) {
            return new Work(count, "GFLOP/s");
        }

        static Work bytes(double count) {
            return new Work(count, "GB/s");
        }
    }

    private static Work work(String name, BenchmarkParams parameters) {
        return switch (name) {
            case "MatMulBenchmark.multiply" -> MatMulBenchmark.work(parameters.getParam("shape"));
            case "AttentionBenchmark.attend" -> AttentionBenchmark.work(parameters.getParam("shape"));
            default -> ElementwiseBenchmark.WORK.getOrDefault(name, Work.bytes(Double.NaN));
        };
    }

    /** The numbers of a parameter such as {@code 2048x4096x4096}. */
    static int[] numbers(String shape) {
        return Stream.of(shape.split("x", -1)).mapToInt(Integer::parseInt).toArray();
    }
}
