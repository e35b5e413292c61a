package HostConfig;

# What the tests tell a program that is a host: a line of JSON with the storages' sections in "ids", the directory for
# locks where there is no PVE in "locks", and the files of plugins in "plugins".

use v5.36;

use File::Basename qw(basename);
use JSON::PP;

use PVE::Storage::Plugin;

sub read_from ($fh) {
    my $told = JSON::PP->new->decode(scalar(<$fh>));
    $ENV{TENON_LOCK_DIR} = $told->{locks};
    for my $file ($told->{plugins}->@*) {
        my $class = 'PVE::Storage::Custom::' . basename($file, '.pm');
        require $file;
        $class->register;
    }
    require PVE::Storage;
    PVE::Storage->import;
    return { ids => $told->{ids}, order => { map { $_ => 1 } keys $told->{ids}->%* } };
}

1;
