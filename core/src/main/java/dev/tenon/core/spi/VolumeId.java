package dev.tenon.core.spi;

/** A volume of a storage (PVE's {@code volid}), written {@code storeid:volname}. */
public record VolumeId(StorageId storage, VolumeName volume) {
    /**
     * Reads {@code storeid:volname}.
     *
     * @throws StorageException {@code INVALID_NAME} if the text does not have that form
     */
    public static VolumeId parse(String text) {
        int colon = text.indexOf(':');
        if (colon < 2 || colon == text.length() - 1 || !StorageId.isWellFormed(text, colon)) {
            throw StorageException.refused(StorageError.INVALID_NAME, "unable to parse volume ID " + Quoted.of(text));
        }
        return new VolumeId(new StorageId(text.substring(0, colon)), new VolumeName(text.substring(colon + 1)));
    }

    @Override
    public String toString() {
        return storage + ":" + volume;
    }
}
