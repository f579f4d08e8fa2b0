package io.octavo.kernels.internal.cuda.driver;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A module of the driver, loaded when first asked for something. */
final class LoadedFile implements KernelFile {

    /** What fits a block of every device without being asked for, less what kernels have of their own. */
    private static final int FREE_SHARED_BYTES = 40 << 10;

    /** {@code OctavoConstant} of common.cuh: a name, padded with zeros, and a value. */
    private static final int NAME_BYTES = 36;

    private final GpuDriver driver;
    private final String name;
    private final Supplier<byte[]> image;
    private final Map<String, Kernel> kernels = new HashMap<>();
    private final Map<String, Integer> constants = new HashMap<>();
    private Handles.@Nullable Module module;

    LoadedFile(GpuDriver driver, String name, Supplier<byte[]> image) {
        this.driver = driver;
        this.name = name;
        this.image = image;
    }

    private Handles.Module module() {
        Handles.Module loaded = module;
        if (loaded == null) {
            loaded = driver.modules().loadModule(image.get());
            module = loaded;
            driver.modules().readGlobal(loaded, name + "_constants").ifPresent(this::addConstants);
        }
        return loaded;
    }

    private void addConstants(ByteBuffer table) {
        byte[] text = new byte[NAME_BYTES];
        while (table.hasRemaining()) {
            table.get(text);
            constants.put(new String(text, StandardCharsets.US_ASCII).trim(), table.getInt());
        }
    }

    @Override
    public synchronized int constant(String wanted) {
        module();
        Integer value = constants.get(wanted);
        if (value == null) {
            throw new IllegalStateException(name + ".cu exports no " + wanted);
        }
        return value;
    }

    @Override
    public Kernel kernel(String wanted) {
        return kernel(wanted, 0);
    }

    @Override
    public synchronized Kernel kernel(String wanted, int sharedBytes) {
        return kernels.computeIfAbsent(wanted, kernel -> load(kernel, sharedBytes));
    }

    private Kernel load(String kernel, int wantedBytes) {
        Handles.Module loaded = module();
        Handles.Function function = driver.modules().function(loaded, kernel);
        Optional<ByteBuffer> launch = driver.modules().readGlobal(loaded, kernel + "_launch");
        int threads = launch.map(ByteBuffer::getInt).orElse(0);
        int sharedBytes = Math.max(launch.map(ByteBuffer::getInt).orElse(0), wantedBytes);
        if (sharedBytes > FREE_SHARED_BYTES) {
            driver.modules().allowSharedBytes(function, sharedBytes);
        }
        ByteBuffer layout = driver.modules()
                .readGlobal(loaded, name + "_parameters")
                .orElseThrow(() -> new IllegalStateException(name + ".cu tells nothing of its parameters"));
        return new Kernel(kernel, function.address(), ParameterLayout.of(layout), threads, sharedBytes);
    }

    synchronized void unload() {
        if (module != null) {
            driver.modules().unloadModule(module);
            module = null;
        }
        kernels.clear();
        constants.clear();
    }
}
