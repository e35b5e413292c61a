# Loads a plugin file as PVE does, and tells its type, the path of a new storage called 'store' with the properties that
# are given (key=value, blanks between them), whether it is shared, its formats and what is secret, as a line of JSON.

use v5.36;

use File::Basename qw(basename);
use JSON::PP;

use PVE::Storage::Plugin;

my ($file, $properties) = @ARGV;
my $class = 'PVE::Storage::Custom::' . basename($file, '.pm');
require $file;
$class->register;
require PVE::Storage;

my $type = $class->type;
my $checked =
    $class->check_config('store', { map { split(/=/, $_, 2) } split(/ /, $properties) }, 1, 1);
my $data = $class->plugindata;
my $formats = $data->{format} ? $data->{format}->[0] : {};
say JSON::PP->new->canonical->encode({
        type => $type,
        path => $checked->{path},
        shared => (grep { $_ eq $type } @PVE::Storage::Plugin::SHARED_STORAGE)
        ? JSON::PP::true
        : JSON::PP::false,
        formats => join(' ', sort keys $formats->%*),
        secret => join(' ', sort keys $data->{'sensitive-properties'}->%*),
    });
STDOUT->flush;
