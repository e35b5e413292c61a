# Loads a plugin file as PVE does, and tells the class that it inherits from, its type, the path, empty for none, of a new
# storage called 'store' with the properties that are given (key=value, blanks between them), whether it is shared, its
# formats and what is secret, as a line of JSON.

use v5.36;

use File::Basename qw(basename);
use JSON::PP;

use PVE::Storage::Plugin;

my ($file, $properties) = @ARGV;
my $class = 'PVE::Storage::Custom::' . basename($file, '.pm');

# PVE loads such files after its own types, and before it takes stock of all.
my $is_loaded;
my $load = sub {
    return if $is_loaded++;
    require $file;
    $class->register;
};
my $take_stock = PVE::Storage::Plugin->can('init');
{
    no warnings qw(redefine once);
    *PVE::Storage::Plugin::init = sub {
        $load->();
        goto &$take_stock;
    };
}
require PVE::Storage;
$load->();

my $type = $class->type;
my $checked =
    $class->check_config('store', { map { split(/=/, $_, 2) } split(/ /, $properties) }, 1, 1);
my $data = $class->plugindata;
my $formats = $data->{format} ? $data->{format}->[0] : {};
say JSON::PP->new->canonical->encode({
        base => do { no strict 'refs'; ${"${class}::ISA"}[0] },
        type => $type,
        path => $checked->{path} // '',
        shared => (grep { $_ eq $type } @PVE::Storage::Plugin::SHARED_STORAGE)
        ? JSON::PP::true
        : JSON::PP::false,
        formats => join(' ', sort keys $formats->%*),
        secret => join(' ', sort keys $data->{'sensitive-properties'}->%*),
    });
STDOUT->flush;
