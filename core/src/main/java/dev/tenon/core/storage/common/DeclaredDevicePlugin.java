package dev.tenon.core.storage.common;

import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.Vmid;
import java.util.Map;
import java.util.Optional;

/** A type of devices whose description never changes, and whose names tell their formats by a rule. */
public abstract class DeclaredDevicePlugin extends DevicePlugin {
    private final Declaration declaration;
    private final FormatNames names;

    /**
     * What a storage type says of itself.
     *
     * @param type as written in {@code storage.cfg}
     * @param data what it can hold
     * @param properties the properties that it declares
     * @param options how it uses properties
     */
    public record Declaration(
            String type,
            PluginData data,
            Map<String, PropertySchema> properties,
            Map<String, PropertyOption> options) {}

    protected DeclaredDevicePlugin(Declaration declaration, FormatNames names) {
        this.declaration = declaration;
        this.names = names;
    }

    /** The guest of an image; names of devices always have one. */
    protected static Vmid ownerOf(ParsedVolume.GuestImage image) {
        Vmid owner = image.owner();
        if (owner == null) {
            throw new IllegalStateException("image '" + image.name() + "' has no guest");
        }
        return owner;
    }

    @Override
    public final String type() {
        return declaration.type();
    }

    @Override
    public final PluginData pluginData() {
        return declaration.data();
    }

    @Override
    public final Map<String, PropertySchema> properties() {
        return declaration.properties();
    }

    @Override
    public final Map<String, PropertyOption> options() {
        return declaration.options();
    }

    @Override
    public final Map<Format, String> formatExtensions() {
        return names.extensions();
    }

    @Override
    public final Optional<Format> parsedFormat(String name) {
        return names.parsed(name);
    }

    @Override
    public final String nameWithFormat(String name, Format format) {
        return names.with(name, format);
    }

    @Override
    public final String nameForFormat(String name, Format format, boolean isStrict) {
        return names.fitting(name, format, isStrict);
    }
}
